"""Whose turn it is: the order of the queue, as the dispatcher asks for it and as people see it.

Without the fair share the order is priority, time, number. With it: priority with ageing, then who
is overdue by time, others by the fair tree, then time and number. The dispatcher asks for a
*window* of the first few who are not left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVarTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    case,
    cast,
    column,
    func,
    select,
    values,
)
from sqlalchemy.sql.expression import SQLColumnExpression

from ..clock import now
from ..db import db
from ..models import Job
from ..models.jobs import IS_QUEUED
from . import ageing, fair_tree, lines, settings, shares
from .fair_tree import Candidate
from .left_out import LeftOut
from .shares import Standing

Row = TypeVarTuple("Row")
WINDOW = 20
_NOBODY = Standing({}, {})
BY_TIME = (Job.effective_priority.desc(), Job.queued_at, Job.id)
#: Person and team of a job as one number, as the ranks name them.
_PERSON = cast(func.coalesce(Job.user_id, 0), BigInteger) * 16777216 + func.coalesce(Job.team_id, 0)


def is_fair() -> bool:
    """Tell whether the fair share is in force."""
    return bool(settings.value("queue.enable_fair_share"))


def step_seconds() -> float:
    """Return the step of ageing, 0 where priorities do not grow."""
    return 60.0 * settings.value("queue.ageing_minutes") if is_fair() else 0.0


class Look:
    """One look at the queue, as of one moment: windows of it, and who is at its front."""

    def __init__(self) -> None:
        self._moment = now()
        self._standing = shares.standing(self._moment) if is_fair() else None
        self._everyone = self._fair_order() if self._standing else []
        self.front = self._everyone[0].job_id if self._everyone else self._first()

    def window(self, out: LeftOut) -> list[Job]:
        """Return the first few queued jobs in order of those who are not left out."""
        rules = out.others()
        if self._standing is None:
            query = select(Job).where(IS_QUEUED, *out.limited(), *rules)
            return list(db.session.scalars(query.order_by(*BY_TIME).limit(WINDOW)))
        line = self._fair_order(out, rules) if rules or out.is_limited else self._everyone
        return _jobs([one.job_id for one in line[:WINDOW]])

    def _fair_order(
        self, out: LeftOut | None = None, rules: Sequence[ColumnElement[bool]] = ()
    ) -> list[Candidate]:
        """Return the first job of every line, in order, without who is left out."""
        found = lines.candidates(rules) if rules or out is None else self._everyone
        if out is not None and out.is_limited:
            found = [one for one in found if not out.is_at_limit(one.path[2], one.path[1])]
            found = list({*found, *lines.bypassing(rules)})
        usage, weights = (self._standing or _NOBODY).usage, (self._standing or _NOBODY).weights
        return fair_tree.order(found, usage, weights, self._moment, step_seconds())

    def _first(self) -> int | None:
        query = select(Job.id).where(IS_QUEUED).order_by(*BY_TIME).limit(1)
        return None if self._standing else db.session.scalar(query)


def _jobs(numbers: list[int]) -> list[Job]:
    """Return these jobs in this order."""
    if not numbers:
        return []
    found = {job.id: job for job in db.session.scalars(select(Job).where(Job.id.in_(numbers)))}
    return [found[number] for number in numbers if number in found]


# ── the order as columns ──────────────────────────────────────────────────────────────────────────


def ordered(query: Select[*Row]) -> Select[*Row]:
    """Return a query for queued jobs with the present order."""
    query, keys = keyed(query)
    return query.order_by(*keys)


def keyed(query: Select[*Row]) -> tuple[Select[*Row], tuple[SQLColumnExpression[Any], ...]]:
    """Return a query for queued jobs that knows their ranks, and the columns that order it."""
    if not is_fair():
        return query, BY_TIME
    waiting, standing = lines.candidates(), shares.standing()
    placed = fair_tree.ranks((one.path for one in waiting), standing.usage, standing.weights)
    rows = {path[2] * 16777216 + path[1]: rank for path, rank in placed.items()}
    ranks = (
        values(column("person", BigInteger), column("place", BigInteger), name="ranks")
        .data(list(rows.items()) or [(0, 0)])
        .cte("ranks")
    )
    priority = _aged()
    rank = case((priority >= ageing.TOP, 0), else_=func.coalesce(ranks.c.place, len(rows)))
    query = query.outerjoin(ranks, ranks.c.person == _PERSON)
    return query, (priority.desc(), rank, Job.queued_at, Job.id)


def _aged() -> ColumnElement[int]:
    """Return the priority with ageing as SQL, the same as `ageing.effective`."""
    own, step = Job.effective_priority, step_seconds()
    if step <= 0:
        return case((own >= 0, own), else_=own)
    moment = now()
    grown: ColumnElement[Any] = own + 0
    for rung in range(1, ageing.rungs(0) + 1):
        since = moment - timedelta(seconds=rung * step)
        grown = grown + case((Job.queued_at <= since, ageing.RUNG), else_=0)
    return case((own >= ageing.TOP, own), (grown > ageing.TOP, ageing.TOP), else_=grown)
