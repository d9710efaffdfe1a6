"""How much of each type is in use, by aggregates over indexed rows; no row is ever loaded.

What a job holds counts while it has not ended: its place, its GPUs, its estimated cost, and the
larger of its estimated and its present GPU-time. What it came to counts from its end on, for the
length of the window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, func, literal, or_, select

from st_core.db import db, in_unit_of_work

from .kinds import Kind, Measure
from .models import QuotasUse

COLUMNS: dict[str, Any] = {
    "user": QuotasUse.user_id,
    "team": QuotasUse.team_id,
    "org": QuotasUse.org_id,
}


def used(kind: Kind, counted: str, subject: int, at: datetime) -> Decimal:
    """Return how much one user, team or org (`counted`) uses at `at`, in the unit of `kind`."""
    return by_subject(kind, counted, [subject], at).get(subject, Decimal(0))


def by_subject(
    kind: Kind, counted: str, subjects: Collection[int], at: datetime
) -> dict[int, Decimal]:
    """Return how much each of `subjects` uses; who uses nothing is left out.

    Inside a unit of work it is what is written now, whatever a clock says: ceilings hold between
    machines whose clocks differ. Outside it is what was so at `at`.
    """
    live = in_unit_of_work()
    if not subjects:
        return {}
    if kind.measure is Measure.JOBS and kind.window is not None:
        return _sum(counted, subjects, func.count(), _admitted(at - kind.window, at, live))
    found = _sum(counted, subjects, _held(kind.measure, at), _open(at, live))
    if kind.window is not None:
        came_to = _sum(counted, subjects, _came_to(kind.measure), _ended(at, kind, live))
        for subject, amount in came_to.items():
            found[subject] += amount
    if kind.measure is Measure.GPU_HOURS:
        return {subject: seconds / 3600 for subject, seconds in found.items()}
    return found


def _sum(
    counted: str, subjects: Collection[int], amount: Any, which: ColumnElement[bool]
) -> defaultdict[int, Decimal]:
    column = COLUMNS[counted]
    query = select(column, amount).where(column.in_(subjects), which).group_by(column)
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for subject, value in db.session.execute(query):
        found[subject] = Decimal(str(value or 0))
    return found


def _admitted(since: datetime, at: datetime, live: bool) -> ColumnElement[bool]:
    after = QuotasUse.admitted_at > since
    return after if live else and_(after, QuotasUse.admitted_at < at)


def _open(at: datetime, live: bool) -> ColumnElement[bool]:
    if live:
        return QuotasUse.ended_at.is_(None)
    not_ended = or_(QuotasUse.ended_at.is_(None), QuotasUse.ended_at >= at)
    return and_(QuotasUse.admitted_at < at, not_ended)


def _ended(at: datetime, kind: Kind, live: bool) -> ColumnElement[bool]:
    assert kind.window is not None
    after = QuotasUse.ended_at > at - kind.window
    return after if live else and_(after, QuotasUse.ended_at < at)


def _held(measure: Measure, at: datetime) -> Any:
    """Return the SQL for what open uses hold."""
    if measure is Measure.JOBS:
        return func.count()
    if measure is Measure.LOCAL_GPUS:
        return func.sum(QuotasUse.local_gpus)
    if measure is Measure.COST:
        return func.sum(QuotasUse.held_cost_usd)
    elapsed = (literal(at.timestamp(), Float) - QuotasUse.running_since) * QuotasUse.gpus
    so_far = QuotasUse.gpu_seconds + func.coalesce(elapsed, 0.0)
    return func.sum(
        case((so_far > QuotasUse.held_gpu_seconds, so_far), else_=QuotasUse.held_gpu_seconds)
    )


def _came_to(measure: Measure) -> Any:
    """Return the SQL for what closed uses came to."""
    return func.sum(QuotasUse.cost_usd if measure is Measure.COST else QuotasUse.gpu_seconds)
