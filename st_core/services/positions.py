"""Where a job stands in the queue: by priority, then by time, then by number, or by fair share."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, func, or_, select

from ..db import UtcDateTime, db, table_of
from ..models import Job, JobState
from ..models.jobs import IS_QUEUED
from . import turns

#: Made once: building it takes longer than running it, and every submission asks.
_BEFORE = (
    select(func.count())
    .where(
        IS_QUEUED,
        or_(
            Job.effective_priority > bindparam("priority"),
            and_(
                Job.effective_priority == bindparam("priority"),
                or_(
                    Job.queued_at < bindparam("moment", type_=UtcDateTime),
                    and_(
                        Job.queued_at == bindparam("moment", type_=UtcDateTime),
                        Job.id < bindparam("number"),
                    ),
                ),
            ),
        ),
    )
    .select_from(table_of(Job))
)


def position(job: Job) -> int:
    """Return the place of a queued job, 1 for the next; 0 when it does not wait in the queue."""
    if job.state is not JobState.QUEUED:
        return 0
    if turns.is_fair():
        return turns.fair_place(job)
    asked = {"priority": job.effective_priority, "moment": job.queued_at, "number": job.id}
    return 1 + (db.session.scalar(_BEFORE, asked) or 0)
