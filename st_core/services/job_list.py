"""The list of jobs: filters, search, sorting and keyset pages, each answered by an index
whatever its length."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select, tuple_, union
from sqlalchemy.orm import InstrumentedAttribute

from ..contracts import Capability, Viewer
from ..db import db
from ..errors import Malformed
from ..models import Attempt, Job, JobState, User
from ..models.jobs import in_states
from . import registries
from .jobs import visible_parts, visible_to

COUNT_CAP = 1000
#: Words of other systems and of older clients for our states.
STATUS_ALIASES = {
    "blocked": "pending_approval",
    "pending": "queued",
    "uploading": "starting",
    "processing": "running",
    "succeeded": "completed",
    "error": "failed",
    "canceled": "cancelled",
}
SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Job.id,
    "name": Job.name,
    "status": Job.state,
    "completed_at": Job.completed_at,
}


@dataclass(frozen=True)
class JobFilter:
    """What to list. Every field that is None lets everything pass; `q` searches number, name,
    config, person."""

    statuses: tuple[JobState, ...] = ()
    job_type: str | None = None
    provider: str | None = None
    trainer: str | None = None
    user_id: int | None = None
    config_name: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: str = "created_at"
    descending: bool = True


@dataclass(frozen=True)
class Row:
    """A job with what a list shows beside it."""

    job: Job
    attempt: Attempt | None
    user: User | None


@dataclass(frozen=True)
class Page:
    """One page: its rows, cursors to the next and previous (None at the ends), and the total up
    to the cap."""

    rows: list[Row]
    next: str | None
    previous: str | None
    total: int
    total_is_exact: bool


def status_of(word: str) -> JobState:
    """Return the state for a word, an alias included. Raises Malformed listing the words there
    are."""
    try:
        return JobState(STATUS_ALIASES.get(word, word))
    except ValueError:
        words = ", ".join(state.value for state in JobState if state is not JobState.NEW)
        raise Malformed(
            f"{word!r} is no status. There are: {words}.",
            fields=[{"path": "status", "message": "unknown"}],
        ) from None


def page(
    viewer: Viewer,
    wanted: JobFilter,
    *,
    limit: int = 50,
    cursor: str | None = None,
    offset: int = 0,
) -> Page:
    """Return one page of jobs the viewer may see; `cursor` wins over `offset`.

    Raises Malformed for a sort nobody knows or a cursor that is not ours.
    """
    if wanted.sort not in SORTS:
        raise Malformed(f"cannot sort by {wanted.sort!r}. There are: {', '.join(SORTS)}.")
    criteria = _criteria(wanted)
    column = SORTS[wanted.sort]
    backwards, position = _read(cursor)
    descending = wanted.descending != backwards
    query = (
        select(Job, Attempt, User)
        .outerjoin(Attempt, (Attempt.job_id == Job.id) & (Attempt.number == Job.attempt))
        .outerjoin(User, User.id == Job.user_id)
    )
    key: list[Any] = [Job.id] if column is Job.id else [column, Job.id]
    if wanted.sort == "completed_at":
        key = [func.coalesce(column, Job.created_at), Job.id]
    if position is not None:
        anchor = _anchor(viewer, key, position)
        criteria.append(tuple_(*key) < anchor if descending else tuple_(*key) > anchor)
    order = [part.desc() if descending else part.asc() for part in key]
    skip = 0 if cursor else offset
    query = query.where(*_of_viewer(viewer, criteria, order, skip + limit + 1))
    found = db.session.execute(query.order_by(*order).limit(limit + 1).offset(skip)).all()
    more, rows = len(found) > limit, [Row(*item) for item in found[:limit]]
    if backwards:
        rows.reverse()
    total, exact = count(viewer, wanted)
    first, last = (rows[0], rows[-1]) if rows else (None, None)
    return Page(
        rows,
        _write(last, False) if last and (more or backwards) else None,
        _write(first, True)
        if first and ((more and backwards) or (cursor and not backwards) or offset)
        else None,
        total,
        exact,
    )


def cancellable(viewer: Viewer, states: tuple[JobState, ...] = (), limit: int = 500) -> list[int]:
    """Return the numbers of jobs that have not ended and the viewer may cancel, oldest first."""
    open_states = [state for state in states or JobState if not state.is_final]
    query = select(Job.id).where(in_states(open_states), visible_to(viewer))
    if not viewer.may("job.cancel.all"):
        query = query.where(Job.user_id == viewer.user_id)
    return list(db.session.scalars(query.order_by(Job.id).limit(limit)))


def _of_viewer(
    viewer: Viewer, criteria: Sequence[ColumnElement[bool]], order: Sequence[Any], most: int
) -> list[ColumnElement[bool]]:
    """Return the criteria for the first `most` jobs that the viewer may see.

    By number they are among the first `most` of each part: an index has every part in that order,
    and none has all of them together.
    """
    parts = visible_parts(viewer)
    if len(order) > 1 or len(parts) < 2:
        return [*criteria, or_(false(), *parts)]
    firsts = (select(Job.id).where(part, *criteria).order_by(*order).limit(most) for part in parts)
    return [Job.id.in_(union(*(select(first.subquery().c.id) for first in firsts)))]


def seen_among(viewer: Viewer, job_ids: Iterable[int]) -> list[int]:
    """Return those of these jobs that the viewer may see, by number."""
    query = select(Job.id).where(Job.id.in_(list(job_ids)), visible_to(viewer))
    return list(db.session.scalars(query.order_by(Job.id)))


def _criteria(wanted: JobFilter) -> list[ColumnElement[bool]]:
    """Return the SQL of a filter."""
    criteria: list[ColumnElement[bool]] = []
    if wanted.statuses:
        criteria.append(in_states(wanted.statuses))
    if wanted.job_type:
        local = [
            p.name
            for p in registries.providers().values()
            if Capability.LOCAL_FILES in p.capabilities
        ]
        criteria.append(
            Job.provider.in_(local) if wanted.job_type == "local" else ~Job.provider.in_(local)
        )
    for column, value in (
        (Job.provider, wanted.provider),
        (Job.trainer, wanted.trainer),
        (Job.user_id, wanted.user_id),
        (Job.config_name, wanted.config_name),
    ):
        if value is not None:
            criteria.append(column == value)
    if wanted.since:
        criteria.append(Job.created_at >= wanted.since)
    if wanted.until:
        criteria.append(Job.created_at < wanted.until)
    if wanted.q:
        criteria.append(_search(wanted.q.strip()))
    return criteria


def _search(words: str) -> ColumnElement[bool]:
    """Return the SQL for a search in number, name, config and person."""
    pattern = (
        "%" + words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    )
    people = select(User.id).where(
        or_(
            func.lower(User.username).like(pattern, escape="\\"),
            func.lower(User.display_name).like(pattern, escape="\\"),
        )
    )
    hits: list[ColumnElement[bool]] = [
        func.lower(Job.name).like(pattern, escape="\\"),
        func.lower(Job.config_name).like(pattern, escape="\\"),
        Job.user_id.in_(people),
        func.lower(Job.former_owner).like(pattern, escape="\\"),
    ]
    if words.isdecimal() and len(words) < 19:
        hits.append(Job.id == int(words))
    return or_(*hits)


def count(viewer: Viewer, wanted: JobFilter) -> tuple[int, bool]:
    """Return how many jobs a filter finds, up to a cap, and whether that is all."""
    return _count([or_(false(), *visible_parts(viewer)), *_criteria(wanted)])


def _count(criteria: list[ColumnElement[bool]]) -> tuple[int, bool]:
    """Count up to the cap, so that a long table costs no more than a short one."""
    some = select(Job.id).where(*criteria).limit(COUNT_CAP + 1).subquery()
    total = db.session.scalar(select(func.count()).select_from(some)) or 0
    return min(total, COUNT_CAP), total <= COUNT_CAP


def _write(row: Row | None, backwards: bool) -> str | None:
    """Return the opaque cursor that goes on from `row`."""
    if row is None:
        return None
    return (
        base64.urlsafe_b64encode(json.dumps([int(backwards), row.job.id]).encode())
        .decode()
        .rstrip("=")
    )


def _read(cursor: str | None) -> tuple[bool, int | None]:
    """Return (backwards, job id) of a cursor. Raises Malformed when it is not one of ours."""
    if not cursor:
        return False, None
    try:
        backwards, job_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return bool(backwards), max(0, min(int(job_id), 2**63 - 1))
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise Malformed("this cursor was not made by this server; begin without one") from None


def _anchor(viewer: Viewer, key: list[Any], job_id: int) -> Any:
    """Return the row of key values at which a page ends, read from the job the cursor names; a job
    the viewer may not see is one that is not there, or a made-up cursor could tell its name."""
    if len(key) == 1:
        return tuple_(job_id)
    value = select(key[0]).where(Job.id == job_id, visible_to(viewer)).scalar_subquery()
    return tuple_(value, job_id)
