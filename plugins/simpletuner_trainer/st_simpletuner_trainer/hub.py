"""The token for the Hugging Face Hub: only for jobs that push there, and only at their start."""

from __future__ import annotations

from st_core.models import Job
from st_core.services import settings

from . import keys
from .settings import SECTION
from .trainer import NAME


def environment(job: Job) -> dict[str, str]:
    """Return `HF_TOKEN` for a job whose config pushes; that its submitter may was a gate."""
    token = settings.value(f"{SECTION}.hub_token")
    if job.trainer != NAME or not token or not keys.pushes_to_hub(job.config):
        return {}
    return {"HF_TOKEN": token}
