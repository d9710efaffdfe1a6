"""Admission: what exactly was admitted, as one digest, and whether people approved just that."""

from __future__ import annotations

import hashlib
import json

from ..models import Job

CHANGED = "What people approved is not what would run. Edit the job, and it is asked for again."
#: What decides which bytes run, where and for how long. What a retry adds is not in it, nor what
#: changes by itself when an account or a team is deleted.
FIELDS = (
    "provider",
    "trainer",
    "hardware",
    "gpu_count",
    "config",
    "config_name",
    "details",
    "start_from_checkpoint",
    "time_limit_seconds",
)


def digest(job: Job) -> str:
    """Return the SHA-256 (hex) of what was admitted, the same for equal content."""
    admitted = {name: getattr(job, name) for name in FIELDS}
    return hashlib.sha256(json.dumps(admitted, sort_keys=True, default=str).encode()).hexdigest()


def is_approved(job: Job) -> bool:
    """Tell whether nobody had to approve the job, or what was approved is what it is now."""
    return not job.demands or job.approved_digest == digest(job)
