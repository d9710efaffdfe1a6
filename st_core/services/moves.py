"""Moving a job from state to state.

Everything that changes `Job.state` goes through `move`, which knows the allowed moves, lets plugins
act in the same transaction, and records the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, inspect, update
from sqlalchemy.orm.attributes import set_committed_value

from ..clock import now
from ..db import assert_unit_of_work, db, storable, table_of, writing
from ..errors import Conflict
from ..models import Job, JobState
from ..models.states import MOVES
from ..plugins import current_plugins
from . import events

ENTERED = {
    JobState.QUEUED: "job.queued",
    JobState.RUNNING: "job.started",
    JobState.COMPLETED: "job.completed",
    JobState.FAILED: "job.failed",
    JobState.CANCELLED: "job.cancelled",
}


_JOBS = table_of(Job)
_UPDATE = update(_JOBS).where(_JOBS.c.id == bindparam("this_job"))


def move(
    job: Job,
    new: JobState,
    *,
    message: str = "",
    event: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Step: move `job` to state `new`. Raises Conflict when the table of moves does not allow
    it."""
    assert_unit_of_work()
    old = job.state
    if new not in MOVES[old]:
        raise Conflict(
            f"job {job.id} is {old.value} and cannot become {new.value}", code="invalid_job_state"
        )
    _write(job, {"state": new} | _brings(job, new, message))
    current_plugins().job_transition(job, old, new)
    name = event or ENTERED.get(new)
    if name:
        events.emit(
            name,
            job=job,
            message=message,
            data=data,
            before={"status": old.value},
            after={"status": new.value},
        )


def _brings(job: Job, new: JobState, message: str) -> dict[str, Any]:
    """Return what else a job's row says once it is in state `new`."""
    moment = now()
    if new is JobState.QUEUED:
        return {
            "queued_at": job.queued_at if job.state.is_active else moment,  # the started keep it
            "completed_at": None,
            "error_message": None,
            "cancel_requested_at": None,
        }
    if new is JobState.STARTING:
        return {"hold_reason": None}
    if new is JobState.RUNNING:
        return {"started_at": job.started_at or moment}
    if not new.is_final:
        return {}
    said = storable(message, 4000) if new is JobState.FAILED else None
    return {"completed_at": moment, "hold_reason": None, "error_message": said}


def _write(job: Job, values: Mapping[str, Any]) -> None:
    """Step: write values of a job, and whatever else waits to be written.

    By a statement when the job has no other change: its flush would take twice the time. Not within
    a savepoint, whose end takes back only changes that the session knows of.
    """
    session = db.session()
    if inspect(job).modified or session.in_nested_transaction():
        for name, value in values.items():
            setattr(job, name, value)
        session.flush()
        return
    session.flush()
    changed = {name: value for name, value in values.items() if getattr(job, name) != value}
    writing().execute(_UPDATE, {"this_job": job.id, **changed})
    for name, value in changed.items():
        set_committed_value(job, name, value)
