"""Rehearsals: would a waiting job start now, if some things were different?

A rehearsal makes the changes in a unit of work, lets the dispatcher take what it would take then,
and rolls everything back. It is the dispatcher's own decision that answers, not a copy of it.

Words: a *change* is a `Remedy` of a kind that can be rehearsed (`MAKERS`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..clock import now
from ..contracts import Remedy
from ..db import db, retried, unit_of_work
from ..models import Job, JobState
from . import admission, claims, jobs, settings

RAISE_LIMIT = "raise_limit"
RESUME_QUEUE = "resume_queue"
END_JOB = "end_job"
COMPLETE_JOB = "complete_job"
APPROVE = "approve"
RAISE_PRIORITY = "raise_priority"
#: Most jobs that may go before it in one rehearsal; behind more of them the answer is no.
MOST_STARTS = 40


class _Rehearsed(Exception):
    """Ends a rehearsal's unit of work; nothing it wrote remains."""

    def __init__(self, starts: bool) -> None:
        super().__init__()
        self.starts = starts


@retried
def would_start(job_id: int, changes: Collection[Remedy]) -> bool:
    """Tell whether the dispatcher would take the job next, or after others that it takes at once,
    if these changes were made. Nothing remains of it."""
    try:
        with settings.supposing(_supposed(changes)), unit_of_work(gate="dispatch"):
            for change in changes:
                if make := MAKERS.get(change.kind):
                    make(job_id, change)
            raise _Rehearsed(_is_taken(job_id))
    except _Rehearsed as ended:
        return ended.starts


def _is_taken(job_id: int) -> bool:
    """Step: let the dispatcher take jobs until it takes this one, or no more."""
    for _ in range(MOST_STARTS):
        claimed = claims.take_next()
        if claimed is None:
            return False
        if claimed.job_id == job_id:
            return True
    return False


def _supposed(changes: Collection[Remedy]) -> dict[str, Any]:
    """Return the settings that the changes amount to."""
    found: dict[str, Any] = {
        change.subject: int(change.value)
        for change in changes
        if change.kind == RAISE_LIMIT and change.value is not None
    }
    if any(change.kind == RESUME_QUEUE for change in changes):
        found["queue.paused"] = False
    return found


def _end(_job_id: int, change: Remedy) -> None:
    """Step: let another job end before its time."""
    other = jobs.lock(int(change.subject))
    if not other.state.is_final:
        jobs.move(other, JobState.CANCELLED)


def _complete(_job_id: int, change: Remedy) -> None:
    """Step: let another job do what it has to do, whatever still lies before it."""
    other = jobs.lock(int(change.subject))
    if other.state is JobState.STARTING:
        jobs.move(other, JobState.RUNNING)
    if other.state is JobState.RUNNING:
        jobs.move(other, JobState.COMPLETED)
    other.state, other.completed_at = JobState.COMPLETED, other.completed_at or now()
    db.session.flush()


def _approve(job_id: int, _change: Remedy) -> None:
    """Step: let people have approved the job as it is."""
    job = jobs.lock(job_id)
    job.approved_digest = admission.digest(job)
    if job.state is JobState.PENDING_APPROVAL:
        jobs.move(job, JobState.QUEUED)


def _prioritise(job_id: int, change: Remedy) -> None:
    """Step: give the job another priority."""
    job = jobs.lock(job_id)
    job.priority_override = job.effective_priority = int(change.value or 0)
    db.session.flush()


#: kind of change → how it is made in a rehearsal; settings are supposed instead.
MAKERS: Mapping[str, Callable[[int, Remedy], None]] = {
    END_JOB: _end,
    COMPLETE_JOB: _complete,
    APPROVE: _approve,
    RAISE_PRIORITY: _prioritise,
}
REHEARSED = frozenset({*MAKERS, RAISE_LIMIT, RESUME_QUEUE})


def is_unapproved(job: Job) -> bool:
    """Tell whether people must still say yes to the job as it is."""
    return job.state is JobState.PENDING_APPROVAL or not admission.is_approved(job)
