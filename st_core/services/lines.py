"""Lines: the first waiting job of each person, team and priority, found without loading the queue.

A *line* is the waiting jobs of one person in one team with one priority, in order of time. The
database steps from line to line over an index, so the cost is that of the people who wait, not of
their jobs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, literal_column, or_, select

from ..db import db, table_of
from ..models import Job
from ..models.jobs import IS_QUEUED, LINE, SKIPS
from .fair_tree import Candidate

_JOBS = table_of(Job)
_AT = _JOBS.alias("at")
#: The number of a job's line: priority, person, team.
LINE_OF_JOB: ColumnElement[int] = literal_column(LINE, BigInteger)
_LINE_AT: ColumnElement[int] = literal_column(
    re.sub(r"(effective_priority|user_id|team_id)", r"at.\1", LINE), BigInteger
)
_COLUMNS = (
    _JOBS.c.id,
    _JOBS.c.org_id,
    _JOBS.c.team_id,
    _JOBS.c.user_id,
    _JOBS.c.effective_priority,
    _JOBS.c.queued_at,
)


def _firsts(rules: Sequence[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    """Return the query for the first job of each line that keeps `rules`."""
    line = (
        select(_JOBS.c.id)
        .where(IS_QUEUED, *rules)
        .order_by(LINE_OF_JOB, _JOBS.c.queued_at, _JOBS.c.id)
        .limit(1)
    )
    firsts = select(line.scalar_subquery().label("id")).cte("firsts", recursive=True)
    after = line.where(LINE_OF_JOB > _LINE_AT).correlate(_AT).scalar_subquery()
    firsts = firsts.union_all(select(after).select_from(firsts.join(_AT, _AT.c.id == firsts.c.id)))
    return select(*_COLUMNS).join(firsts, firsts.c.id == _JOBS.c.id)


#: Made once: building it takes longer than running it.
_ALL = _firsts(())


def candidates(rules: Sequence[ColumnElement[bool]] = ()) -> list[Candidate]:
    """Return the first waiting job of each line, of those that keep `rules`; in no order."""
    return _asked(_firsts(rules) if rules else _ALL)


def number(one: Candidate) -> int:
    """Return the number of the line in which a job waits."""
    return one.priority * 2**56 + one.path[2] * 2**24 + one.path[1]


def after(one: Candidate, rules: Sequence[ColumnElement[bool]] = ()) -> Candidate | None:
    """Return the next waiting job of the same line that keeps `rules`."""
    later = or_(
        _JOBS.c.queued_at > one.queued_at,
        and_(_JOBS.c.queued_at == one.queued_at, _JOBS.c.id > one.job_id),
    )
    query = select(*_COLUMNS).where(IS_QUEUED, LINE_OF_JOB.in_((number(one),)), later, *rules)
    return next(iter(_asked(query.order_by(_JOBS.c.queued_at, _JOBS.c.id).limit(1))), None)


def bypassing(rules: Sequence[ColumnElement[bool]] = ()) -> list[Candidate]:
    """Return every waiting job that may skip the queue's limits, of those that keep `rules`."""
    return _asked(select(*_COLUMNS).where(IS_QUEUED, SKIPS, *rules))


def _asked(query: Select[*tuple[Any, ...]]) -> list[Candidate]:
    return [
        Candidate(job_id, (org_id or 0, team_id or 0, user_id or 0), priority, queued_at)
        for job_id, org_id, team_id, user_id, priority, queued_at in db.session.execute(query)
    ]
