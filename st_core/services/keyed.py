"""Providers that need somebody's key: bound to a job's keys before they are asked about it."""

from __future__ import annotations

from collections.abc import Mapping

from ..contracts import Keyed, Provider
from ..models import Job
from ..plugins import current_plugins
from . import registries


def speaking(provider: Provider, environment: Mapping[str, str]) -> Provider:
    """Return `provider` speaking with the keys of `environment`; itself when it needs none."""
    return provider.with_keys(environment) if isinstance(provider, Keyed) else provider


def for_job(job: Job) -> Provider:
    """Return the provider of a job, speaking with the keys of the job's submitter.

    Raises NotFound when it is not enabled any more, StError when its keys cannot be read.
    """
    provider = registries.provider(job.provider)
    if not isinstance(provider, Keyed):
        return provider
    return provider.with_keys(current_plugins().job_environment(job))
