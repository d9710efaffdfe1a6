"""Counting: each event moves the counters once, however often it is delivered.

The journal is gapless and commits in the order of its numbers, so one cursor says what is counted.
The first event of a batch counts all that are there; for the others nothing is left to do.
"""

from __future__ import annotations

from decimal import Decimal

from flask import current_app
from sqlalchemy import func, select

from st_core.db import db, unit_of_work, upsert
from st_core.models import Event, Job
from st_core.services.jobs import duration_seconds

from .models import MetricsCounter, MetricsCursor

EVENTS = "events"
JOBS_ENDED = "jobs_ended"
ENDED = {"job.completed": "completed", "job.failed": "failed", "job.cancelled": "cancelled"}
#: Where this process remembers the cursor; only ever behind the table's.
SEEN = "st_metrics_counted_to"


def count(event: Event) -> None:
    """Command: count `event` and what the journal holds beyond the cursor, once."""
    if event.id > current_app.extensions.get(SEEN, 0):
        current_app.extensions[SEEN] = _count_on(event.id)


def _count_on(first: int) -> int:
    """Command: move the cursor to the journal's end; counting begins with `first` on a server that
    never counted. Return where the cursor stands."""
    with unit_of_work():
        cursor = _cursor(first)
        end = db.session.scalar(select(func.max(Event.id))) or 0
        if end > cursor.event_id:
            _count_between(cursor.event_id, end)
            cursor.event_id = end
        return cursor.event_id


def _cursor(first: int) -> MetricsCursor:
    """Step: return the cursor, locked until the unit of work ends; made when there is none."""
    db.session.execute(
        upsert(MetricsCursor)
        .values(name="journal", event_id=first - 1)
        .on_conflict_do_nothing(index_elements=[MetricsCursor.name])
    )
    return db.session.scalars(select(MetricsCursor).with_for_update()).one()


def _count_between(start: int, end: int) -> None:
    """Step: let the counters grow by the events after `start` up to `end`."""
    new = (Event.id > start, Event.id <= end)
    names = select(Event.name, func.count()).where(*new).group_by(Event.name)
    for name, number in db.session.execute(names).all():
        _grow(EVENTS, name, number)
    ended = (
        select(Event.name, Job)
        .outerjoin(Job, Job.id == Event.job_id)
        .where(*new, Event.name.in_(ENDED))
    )
    for name, job in db.session.execute(ended).all():
        seconds = (duration_seconds(job) if job else None) or 0.0
        cost = (job.cost_usd if job else None) or Decimal(0)
        _grow(JOBS_ENDED, ENDED[name], 1, seconds, cost)


def _grow(
    name: str, label: str, number: int, seconds: float = 0.0, cost: Decimal = Decimal(0)
) -> None:
    """Step: add to a counter and to its sums."""
    row = upsert(MetricsCounter).values(
        name=name, label=label, count=number, seconds=seconds, cost_usd=cost
    )
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=[MetricsCounter.name, MetricsCounter.label],
            set_={
                "count": MetricsCounter.count + row.excluded.count,
                "seconds": MetricsCounter.seconds + row.excluded.seconds,
                "cost_usd": MetricsCounter.cost_usd + row.excluded.cost_usd,
            },
        )
    )


def samples(name: str) -> list[MetricsCounter]:
    """Return the samples of one counter, by label."""
    query = select(MetricsCounter).where(MetricsCounter.name == name).order_by(MetricsCounter.label)
    return list(db.session.scalars(query))
