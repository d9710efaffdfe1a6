"""Where a job stands in the queue: by priority, then by time, then by number, or by fair share."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, func, or_, select

from ..db import db, table_of
from ..models import Job, JobState
from ..models.jobs import QUEUED
from . import turns

_JOBS = table_of(Job)
_MOMENT = bindparam("moment", type_=_JOBS.c.queued_at.type)
#: Made once and over the table: building it takes longer than running it, and every submission
#: asks.
_BEFORE = (
    select(func.count())
    .where(
        QUEUED,
        or_(
            _JOBS.c.effective_priority > bindparam("priority"),
            and_(
                _JOBS.c.effective_priority == bindparam("priority"),
                or_(
                    _JOBS.c.queued_at < _MOMENT,
                    and_(_JOBS.c.queued_at == _MOMENT, _JOBS.c.id < bindparam("number")),
                ),
            ),
        ),
    )
    .select_from(_JOBS)
)


def position(job: Job) -> int:
    """Return the place of a queued job, 1 for the next; 0 when it does not wait in the queue."""
    if job.state is not JobState.QUEUED:
        return 0
    if turns.is_fair():
        return turns.fair_place(job)
    asked = {"priority": job.effective_priority, "moment": job.queued_at, "number": job.id}
    before: int = db.session.connection().execute(_BEFORE, asked).scalar_one()
    return 1 + before
