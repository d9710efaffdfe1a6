"""The states of a job and the moves between them, in one table (guide section 3)."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. `NEW` exists only inside the transaction that admits it, or that walks a
    waiting one through the gates again because it was edited."""

    NEW = "new"
    PENDING_APPROVAL = "pending_approval"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Tell whether the job has ended; only a retry moves it again."""
        return self in FINAL

    @property
    def is_active(self) -> bool:
        """Tell whether the job occupies a place among the running."""
        return self in ACTIVE


FINAL = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})
ACTIVE = frozenset({JobState.STARTING, JobState.RUNNING})

#: state → states it may move to. A requeue (RUNNING → QUEUED) resumes after a crash of the trainer
#: or the
#: machine; FAILED and CANCELLED → QUEUED or PENDING_APPROVAL is a retry, a new attempt of the same
#: job.
MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.NEW: frozenset({JobState.PENDING_APPROVAL, JobState.QUEUED}),
    JobState.PENDING_APPROVAL: frozenset({JobState.QUEUED, JobState.CANCELLED, JobState.NEW}),
    JobState.QUEUED: frozenset(
        {JobState.STARTING, JobState.CANCELLED, JobState.FAILED, JobState.NEW}
    ),
    JobState.STARTING: frozenset(
        {JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.RUNNING: frozenset(
        {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.COMPLETED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.PENDING_APPROVAL}),
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.PENDING_APPROVAL}),
}
