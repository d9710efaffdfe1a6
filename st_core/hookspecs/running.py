"""Running: what is asked around an attempt's start and a job's moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contracts import Hold, JobState
from .marker import hookspec

if TYPE_CHECKING:
    from ..models import Job


@hookspec
def st_hold_job(job: Job, load: Any) -> Hold | None:
    """Say why a queued job must wait a little longer.

    When:   Q, in the dispatch transaction, for the next candidate.
    Given:  the queued job, and `load` with the numbers of running jobs by provider and user.
    Answer: a Hold with the sentence people read, or None; any hold waits.
    Rules:  no writes, no network; a hold that is true of a provider or hardware says so in its
            scope.
    Used by: local_gpu.
    """


@hookspec
def st_job_environment(job: Job) -> dict[str, str]:
    """Give environment variables to the attempt that is about to start.

    When:   O, just before the provider's `start`.
    Given:  the job.
    Answer: names and values, secrets among them; the same name from two plugins is an error.
    Rules:  values are handed on, never stored and never logged.
    Used by: credentials, simpletuner_trainer.
    """


@hookspec
def st_job_transition(job: Job, old: JobState, new: JobState) -> None:
    """Do what must be true together with a change of a job's state.

    When:   T, inside the unit of work that moves the job.
    Given:  the job, the state it leaves and the one it enters.
    Answer: nothing; raising cancels the move.
    Rules:  no commit, no network; the hook sees every move exactly once per commit.
    Used by: approvals, budgets, credentials, local_gpu, quotas.
    """
