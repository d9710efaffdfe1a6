"""Numbers that pages show beside everything else: what runs and waits, the journal's head, the last
days' figures.

Each function is one statement on partial indexes, whatever the number of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from sqlalchemy import ColumnElement, func, select

from ..clock import now
from ..contracts import Viewer
from ..db import db
from ..models import Job, JobState, Lock
from ..models.jobs import IS_ACTIVE, IS_QUEUED
from .jobs import visible_to

COUNT_CAP = 1000


@dataclass(frozen=True)
class Counts:
    """How many jobs the viewer sees active and queued (each up to the cap), and the newest
    event's number."""

    active: int
    queued: int
    event_number: int


@dataclass(frozen=True)
class Recent:
    """Jobs that ended in the last days: how long they had waited, and how many completed on each
    day."""

    waits_seconds: Sequence[float]
    completed_per_day: Sequence[int]

    @property
    def median_wait_seconds(self) -> float | None:
        """Return the middle of the waits, None when nothing was started."""
        return median(self.waits_seconds) if self.waits_seconds else None


def counts(viewer: Viewer) -> Counts:
    """Return what the sidebar shows."""
    head = select(Lock.value).where(Lock.name == "journal").scalar_subquery()
    row = db.session.execute(
        select(
            _capped(viewer, IS_ACTIVE),
            _capped(viewer, IS_QUEUED),
            head,
        )
    ).one()
    return Counts(row[0] or 0, row[1] or 0, row[2] or 0)


def _capped(viewer: Viewer, criterion: ColumnElement[bool]) -> ColumnElement[int]:
    some = select(Job.id).where(criterion, visible_to(viewer)).limit(COUNT_CAP).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def recent(viewer: Viewer, days: int = 14) -> Recent:
    """Return the figures of the last `days`, of the newest thousand jobs that ended in them."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=days - 1)
    rows = db.session.execute(
        select(Job.state, Job.queued_at, Job.started_at, Job.completed_at)
        .where(Job.completed_at >= first, visible_to(viewer))
        .order_by(Job.completed_at.desc())
        .limit(COUNT_CAP)
    ).all()
    completed = [0] * days
    waits = []
    for state, queued_at, started_at, completed_at in rows:
        if state is JobState.COMPLETED and completed_at:
            completed[(completed_at - first).days] += 1
        if queued_at and started_at and started_at >= queued_at:
            waits.append((started_at - queued_at).total_seconds())
    return Recent(waits, completed)
