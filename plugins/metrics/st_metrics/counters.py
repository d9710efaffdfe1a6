"""Counting: each event moves the counters once, however often it is delivered."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from st_core.db import db, unit_of_work, upsert
from st_core.models import Event, Job
from st_core.services.jobs import duration_seconds

from .models import MetricsCounted, MetricsCounter

EVENTS = "events"
JOBS_ENDED = "jobs_ended"
ENDED = {"job.completed": "completed", "job.failed": "failed", "job.cancelled": "cancelled"}


def count(event: Event) -> None:
    """Command: count `event`, once."""
    with unit_of_work():
        first = db.session.execute(
            upsert(MetricsCounted)
            .values(event_id=event.id)
            .on_conflict_do_nothing()
            .returning(MetricsCounted.event_id)
        ).scalar()
        if first is None:
            return
        _grow(EVENTS, event.name)
        if event.name in ENDED:
            job = db.session.get(Job, event.job_id) if event.job_id else None
            seconds = (duration_seconds(job) if job else None) or 0.0
            cost = (job.cost_usd if job else None) or Decimal(0)
            _grow(JOBS_ENDED, ENDED[event.name], seconds, cost)


def _grow(name: str, label: str, seconds: float = 0.0, cost: Decimal = Decimal(0)) -> None:
    """Step: add one, and the sums, to a counter."""
    row = upsert(MetricsCounter).values(
        name=name, label=label, count=1, seconds=seconds, cost_usd=cost
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
