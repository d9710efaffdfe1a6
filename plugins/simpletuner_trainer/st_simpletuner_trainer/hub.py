"""Tokens for the Hugging Face Hub.

The server's *push token* is only for jobs that push there, which is a permission, and only at their
start. Every other job may use its submitter's own token, or one that is shared on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from st_core.contracts import KeyNeed
from st_core.models import Job
from st_core.services import settings

from . import keys
from .settings import SECTION

NAME = "simpletuner_trainer"
TOKEN = KeyNeed(
    "huggingface",
    "token",
    "HF_TOKEN",
    "Hugging Face token",
    is_required=False,
    from_server=False,
)


def environment(job: Job) -> dict[str, str]:
    """Return `HF_TOKEN` for a job whose config pushes; that its submitter may was a gate."""
    if job.trainer != NAME or not _pushes(job.config):
        return {}
    return {TOKEN.variable: settings.value(f"{SECTION}.hub_token")}


def keys_for(config: Mapping[str, Any]) -> Sequence[KeyNeed]:
    """Return the token that a job with this config may use, none where the push token serves."""
    return [] if _pushes(config) else [TOKEN]


def _pushes(config: Mapping[str, Any]) -> bool:
    return bool(settings.value(f"{SECTION}.hub_token")) and keys.pushes_to_hub(config)
