"""Read the log: filters, pages, figures, and the names of kinds of events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, func, or_, select

from st_core.clock import now
from st_core.contracts import EventType
from st_core.db import db, table_of
from st_core.errors import SetTimeRule

from .entries import rows_of, timestamp
from .models import AuditEntry

_ENTRIES = table_of(AuditEntry)
SECURITY = ("auth", "security")
#: Endings of the names of what was not done.
REFUSED = ("failed", "denied", "refused", "rejected", "rate_limited", "suspicious", "exceeded")
#: Names older clients and the operators' manual use.
ALIASES = {
    "rate_limited": "security.rate_limited",
    "permission_denied": "security.permission_denied",
    "suspicious": "security.suspicious",
    "webhook_rejected": "webhook.rejected",
}
#: Kinds that older clients know; asked for they find nothing as long as nothing emits them.
CONTRACT = (
    "auth.api_key.used",
    "credential.used",
    "quota.changed",
    "webhook.rejected",
)


@dataclass(frozen=True)
class Wanted:
    """Which entries; None lets everything pass. `event_types` are one or several kinds.

    `q` searches person, message, target, request and address. `refused` True gives what was
    refused or failed, False the rest; `security` only what concerns it. `first` and `last` are
    numbers.
    """

    event_types: tuple[str, ...] = ()
    actor_id: int | None = None
    target_type: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    refused: bool | None = None
    security: bool = False
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Page:
    """Entries, newest first, the numbers that pages before and after begin at, and the total."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    older: int | None
    newer: int | None


def known_types() -> dict[str, EventType | None]:
    """Return every kind by its name in the log."""
    declared: Mapping[str, EventType] = current_app.extensions["st"].event_types
    found: dict[str, EventType | None] = {
        kind.audit_name or kind.name: kind for kind in declared.values()
    }
    return dict(sorted({**dict.fromkeys(CONTRACT), **found}.items()))


def event_type(word: str) -> str:
    """Return the name in the log for a kind's name, its name elsewhere or an alias.

    Raises SetTimeRule for a name nobody knows.
    """
    declared: Mapping[str, EventType] = current_app.extensions["st"].event_types
    name = ALIASES.get(word, word)
    if name in known_types():
        return name
    if name in declared:
        return declared[name].audit_name or name
    if db.session.scalar(select(_ENTRIES.c.number).where(_ENTRIES.c.event_type == name).limit(1)):
        return name
    raise SetTimeRule(
        f"{word!r} is no kind of event. GET /api/audit/types lists them.",
        fields=[{"path": "event_type", "message": "unknown"}],
    )


def page(
    wanted: Wanted,
    limit: int,
    *,
    offset: int = 0,
    before: int | None = None,
    after: int | None = None,
) -> Page:
    """Return entries, the newest first: those before a number, after one, or from an offset on."""
    criteria = where(wanted)
    query = select(_ENTRIES).where(*criteria)
    if after is not None:
        query = query.where(_ENTRIES.c.number > after).order_by(_ENTRIES.c.number)
    else:
        query = query.order_by(_ENTRIES.c.number.desc()).offset(offset)
    if before is not None:
        query = query.where(_ENTRIES.c.number < before)
    found = list(rows_of(db.session.execute(query.limit(limit + 1))))
    more, rows = len(found) > limit, found[:limit]
    if after is not None:
        rows.reverse()
    has_newer = more if after is not None else before is not None or offset > 0
    has_older = True if after is not None else more
    return Page(
        rows,
        count(criteria),
        rows[-1]["number"] if rows and has_older else None,
        rows[0]["number"] if rows and has_newer else None,
    )


def count(criteria: Sequence[ColumnElement[bool]]) -> int:
    """Return how many entries fit, exactly."""
    return db.session.scalar(select(func.count()).select_from(_ENTRIES).where(*criteria)) or 0


def one(number: int) -> Mapping[str, Any] | None:
    """Return one entry by its number."""
    query = select(_ENTRIES).where(_ENTRIES.c.number == number)
    return next(iter(rows_of(db.session.execute(query))), None)


def where(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return a filter as SQL."""
    columns = _ENTRIES.c
    criteria: list[ColumnElement[bool]] = []
    if wanted.event_types:
        criteria.append(columns.event_type.in_(wanted.event_types))
    for column, value in (
        (columns.actor_id, wanted.actor_id),
        (columns.target_type, wanted.target_type),
        (columns.target_id, wanted.target_id),
    ):
        if value is not None:
            criteria.append(column == value)
    if wanted.since:
        criteria.append(columns.timestamp >= timestamp(wanted.since))
    if wanted.until:
        criteria.append(columns.timestamp < timestamp(wanted.until))
    if wanted.security:
        criteria.append(columns.category.in_(SECURITY))
    if wanted.first is not None:
        criteria.append(columns.number >= wanted.first)
    if wanted.last is not None:
        criteria.append(columns.number <= wanted.last)
    if wanted.refused is not None:
        refused = or_(*(columns.event_type.endswith(word, autoescape=True) for word in REFUSED))
        criteria.append(refused if wanted.refused else ~refused)
    if wanted.q.strip():
        criteria.append(_search(wanted.q.strip()))
    return criteria


def _search(words: str) -> ColumnElement[bool]:
    """Return the SQL for a search: every word somewhere in what people look for."""
    columns = _ENTRIES.c
    places = (
        columns.actor_username,
        columns.message,
        columns.event_type,
        columns.target_id,
        columns.request_id,
        columns.actor_ip,
    )
    return and_(
        *(
            or_(*(func.lower(place).contains(word, autoescape=True) for place in places))
            for word in words.lower().split()[:8]
        )
    )


def json_of(text: str | None) -> dict[str, Any] | None:
    """Return a stored JSON object; what somebody damaged is shown as it is."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"damaged": text}


def is_refusal(event_type: str) -> bool:
    """Tell whether an entry of this kind says that something was not done."""
    return event_type.endswith(REFUSED)


def stats() -> dict[str, Any]:
    """Return how many entries there are, by kind and in the last 24 hours, and first and last."""
    columns = _ENTRIES.c
    counted = select(columns.event_type, func.count()).group_by(columns.event_type)
    by_type = {name: number for name, number in db.session.execute(counted)}
    yesterday = timestamp(now() - timedelta(hours=24))
    first, last = db.session.execute(
        select(func.min(columns.timestamp), func.max(columns.timestamp))
    ).one()
    return {
        "total_entries": sum(by_type.values()),
        "by_type": dict(sorted(by_type.items())),
        "last_24h": count([columns.timestamp >= yesterday]),
        "first_entry": first,
        "last_entry": last,
    }
