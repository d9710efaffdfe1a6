"""What a job looks like from outside: its fields for clients, its duration, the words for
priorities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clock import iso, now
from ..contracts import Capability
from ..models import Job, User
from . import registries

QUEUE_PRIORITIES = ((100, 30), (30, 20), (20, 10))
PRIORITY_NAMES = ((40, "critical"), (30, "urgent"), (20, "high"), (10, "normal"), (0, "low"))


def queue_priority(level_priority: int) -> int:
    """Return the queue priority of a level: ≥ 100 → 30, ≥ 30 → 20, ≥ 20 → 10, else 0."""
    return next((given for least, given in QUEUE_PRIORITIES if level_priority >= least), 0)


def priority_name(priority: int) -> str:
    """Return the word for a queue priority: low, normal, high, urgent or critical."""
    return next(name for least, name in PRIORITY_NAMES if priority >= least)


def submitter(job: Job, user: User | None) -> str:
    """Return what whoever submitted a job is called, also after the account was deleted."""
    if user is not None:
        return user.display_name or user.username
    return job.former_owner or "somebody who left"


def is_local(job: Job) -> bool:
    """Tell whether the job runs on this machine."""
    provider = registries.providers().get(job.provider)
    return provider is not None and Capability.LOCAL_FILES in provider.capabilities


def duration_seconds(job: Job) -> float | None:
    """Return how long the job has run, from its first start to its end or now."""
    if job.started_at is None:
        return None
    return max(0.0, ((job.completed_at or now()) - job.started_at).total_seconds())


def describe(job: Job, *, progress: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the fields of a job that clients know, plain values only; no secret is among them."""
    return {
        "job_id": str(job.id),
        "job_type": "local" if is_local(job) else "cloud",
        "name": job.name,
        "provider": job.provider,
        "trainer": job.trainer,
        "status": job.state.value,
        "config_name": job.config_name,
        "created_at": iso(job.created_at),
        "queued_at": iso(job.queued_at),
        "started_at": iso(job.started_at),
        "completed_at": iso(job.completed_at),
        "cost_usd": float(job.cost_usd) if job.cost_usd is not None else None,
        "estimated_cost_usd": float(job.estimated_cost_usd)
        if job.estimated_cost_usd is not None
        else None,
        "hardware_type": job.hardware,
        "error_message": job.error_message,
        "output_url": f"/api/cloud/jobs/{job.id}/artifacts" if job.started_at else None,
        "user_id": job.user_id,
        "team_id": job.team_id,
        "org_id": job.org_id,
        "metadata": {**job.details, "start_from_job_id": job.start_from_job_id},
        "is_terminal": job.state.is_final,
        "is_active": not job.state.is_final,
        "duration_seconds": duration_seconds(job),
        "priority": job.effective_priority,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "time_limit_seconds": job.time_limit_seconds,
        "requires_approval": job.requires_approval,
        "cancel_requested_at": iso(job.cancel_requested_at),
        "hold_reason": job.hold_reason,
        "progress": dict(progress or {}),
    }
