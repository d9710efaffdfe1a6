"""Whose turn it is: the order of the queue, as the dispatcher asks for it and as people see it.

Without the fair share the order is priority, time, number. With it: priority with ageing, then who
is overdue by time, others by the fair tree, then time and number. The dispatcher asks for a
*window* of the first few who are not left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVarTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    column,
    func,
    or_,
    select,
    values,
)
from sqlalchemy.sql.expression import SQLColumnExpression

from ..clock import now
from ..db import db
from ..models import Job
from ..models.jobs import IS_QUEUED
from . import ageing, lines, settings, shares
from .fair_tree import Candidate, Key, Order, Tree
from .left_out import LeftOut

Row = TypeVarTuple("Row")
WINDOW = 20
#: Windows looked at until the rest must wait for the next look.
WINDOWS = 30
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
    """One look at the queue, as of one moment: its jobs in order, and who is at its front."""

    def __init__(self) -> None:
        self._line: list[tuple[Key, Candidate]] = []
        if is_fair():
            self._order = _present_order()
            self._line = self._order.line(lines.candidates())
            self.front = self._line[0][1].job_id if self._line else None
        else:
            query = select(Job.id).where(IS_QUEUED).order_by(*BY_TIME).limit(1)
            self.front = db.session.scalar(query)

    def jobs(self, out: LeftOut) -> Iterator[Job]:
        """Yield queued jobs in order without those left out; whoever asks for the next one has
        added to `out` why the last one waits."""
        return self._by_share(out) if self._line else self._by_time(out)

    def _by_time(self, out: LeftOut) -> Iterator[Job]:
        for _ in range(WINDOWS):
            query = select(Job).where(IS_QUEUED, *out.limited(), *out.others())
            window = list(db.session.scalars(query.order_by(*BY_TIME).limit(WINDOW)))
            if not window:
                return
            yield from window

    def _by_share(self, out: LeftOut) -> Iterator[Job]:
        for _ in range(WINDOWS):
            heap = self._left_in(out)  # in order, and so a heap already
            if not heap:
                return
            for _ in range(WINDOW):
                if not heap:
                    break
                _, one = heapq.heappop(heap)
                yield db.session.get_one(Job, one.job_id)
                at_limit = out.is_at_limit(one.path[2], one.path[1])
                follower = None if at_limit else lines.after(one, out.others())
                if follower is not None:
                    heapq.heappush(heap, (self._order.key(follower), follower))

    def _left_in(self, out: LeftOut) -> list[tuple[Key, Candidate]]:
        """Return the first job of every line of those who are not left out, in order."""
        rules = out.others()
        line = self._order.line(lines.candidates(rules)) if rules else self._line
        if not out.is_limited:
            return list(line)
        kept = {one for _, one in line if not out.is_at_limit(one.path[2], one.path[1])}
        return self._order.line(kept.union(lines.bypassing(rules)))


def _present_order() -> Order:
    moment = now()
    standing = shares.standing(moment)
    return Order(Tree(standing.usage, standing.weights), moment, step_seconds())


def fair_place(job: Job) -> int:
    """Return the place of a queued job in the order of the fair share, 1 for the next.

    Counted by line and priority over an index; only jobs that stand equal are compared by time.
    """
    order, aged = _present_order(), _aged()
    paths = {lines.number(one): one.path for one in lines.candidates()}
    path, entered = shares.path_of(job), job.queued_at or job.created_at
    mine = order.key(Candidate(job.id, path, job.effective_priority, entered))[:2]
    before, equal = 1, []
    counted = select(lines.LINE_OF_JOB, aged, func.count()).where(IS_QUEUED).select_from(Job)
    for line, priority, count in db.session.execute(counted.group_by(lines.LINE_OF_JOB, aged)):
        place = () if priority >= ageing.TOP else order.tree.place(paths.get(line, path))
        if (-priority, place) < mine:
            before += count
        elif (-priority, place) == mine:
            equal.append(line)
    earlier = or_(Job.queued_at < entered, and_(Job.queued_at == entered, Job.id < job.id))
    among = (IS_QUEUED, lines.LINE_OF_JOB.in_(equal), aged == -mine[0], earlier)
    return before + (db.session.scalar(select(func.count(Job.id)).where(*among)) or 0)


# ── the order as columns ──────────────────────────────────────────────────────────────────────────


def ordered(query: Select[*Row]) -> Select[*Row]:
    """Return a query for queued jobs with the present order."""
    query, keys = keyed(query)
    return query.order_by(*keys)


def keyed(query: Select[*Row]) -> tuple[Select[*Row], tuple[SQLColumnExpression[Any], ...]]:
    """Return a query for queued jobs that knows their ranks, and the columns that order it."""
    if not is_fair():
        return query, BY_TIME
    placed = _present_order().tree.ranks({one.path for one in lines.candidates()})
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
