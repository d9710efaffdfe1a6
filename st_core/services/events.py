"""The journal: every fact in one gapless order, with who did it and what changed; and who must hear
of it.

`emit` only collects. The last step of a unit of work numbers the events under the journal's lock,
inserts them and one delivery per subscriber, and commits: what is numbered is committed in that
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, bindparam, insert, or_, select, true, update
from sqlalchemy.orm import Session

from .. import actor as actors
from ..clock import now
from ..contracts import EventType, Severity, Viewer
from ..db import (
    after_commit,
    assert_unit_of_work,
    before_commit,
    db,
    storable,
    table_of,
    writing,
)
from ..errors import StError
from ..models import Delivery, Event, Job, Lock
from ..plugins import current_plugins
from . import tasks, visibility

#: What a fact is about when it goes to those who see the job: every other one without a permission
#: goes to the person it is about.
ABOUT_JOBS = ("job", "submission")


def emit(
    name: str,
    *,
    subject: tuple[str, Any] | None = None,
    job: Job | None = None,
    owner_id: int | None = None,
    team_id: int | None = None,
    org_id: int | None = None,
    message: str = "",
    data: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    severity: Severity | None = None,
    not_to: str | None = None,
) -> None:
    """Record a fact in the open unit of work; `not_to` names a subscriber that shall not hear of
    it.

    Raises StError when the name was not declared.
    """
    assert_unit_of_work()
    kind: EventType | None = current_app.extensions["st"].event_types.get(name)
    if kind is None:
        raise StError(f"event {name!r} was not declared", code="unknown_event")
    who = actors.current()
    subject_type, subject_id = subject or ("job", job.id if job else "")
    entry = {
        "name": name,
        "severity": str(severity or kind.severity),
        "subject_type": subject_type,
        "subject_id": storable(str(subject_id), 100),
        "job_id": job.id if job else None,
        "owner_id": job.user_id if job else owner_id,
        "team_id": job.team_id if job else team_id,
        "org_id": job.org_id if job else org_id,
        "permission": kind.permission,
        "message": storable(message, 1000),
        "data": data or {},
        "before": before,
        "after": after,
        "actor_id": who.user_id,
        "actor_name": who.name,
        "on_behalf_of_id": who.on_behalf_of_id,
        "address": who.address,
        "door": who.door,
        "request_id": who.request_id,
        "created_at": now(),
        "not_to": not_to,
    }
    db.session().info.setdefault("journal", []).append(entry)


#: Made once: building a statement costs more than running it, and every write runs these.
_LOCKS = table_of(Lock)
_NUMBER = (
    update(_LOCKS)
    .where(_LOCKS.c.name == "journal")
    .values(value=_LOCKS.c.value + bindparam("added"))
    .returning(_LOCKS.c.value)
)
_INSERT_EVENTS = insert(table_of(Event))
_INSERT_DELIVERIES = insert(table_of(Delivery))


def _close_journal(session: Session) -> None:
    """Number and insert what the unit of work emitted, and its deliveries; let it be recorded."""
    entries: list[dict[str, Any]] | None = session.info.pop("journal", None)
    if not entries:
        return
    connection = writing()
    last = connection.execute(_NUMBER, {"added": len(entries)}).scalar_one()
    left_out = {}
    for number, entry in enumerate(entries, last - len(entries) + 1):
        entry["id"] = number
        left_out[number] = entry.pop("not_to")
    connection.execute(_INSERT_EVENTS, entries)
    subscribers: Sequence[str] = current_app.extensions["st"].subscribers
    due = now()
    deliveries = [
        {"event_id": entry["id"], "subscriber": name, "next_at": due}
        for entry in entries
        for name in subscribers
        if name != left_out[entry["id"]]
    ]
    if deliveries:
        connection.execute(_INSERT_DELIVERIES, deliveries)
    current_plugins().record(entries)
    session.info["journal_written"] = True


def _ring(session: Session) -> None:
    """Wake whoever follows the journal, once it is committed."""
    if session.info.pop("journal_written", False):
        tasks.wake("deliver", "journal")


before_commit.append(_close_journal)
after_commit.append(_ring)


def head() -> int:
    """Return the number of the newest event."""
    return db.session.execute(select(Lock.value).where(Lock.name == "journal")).scalar_one()


def oldest() -> int:
    """Return the number of the oldest event still kept, 0 when there is none."""
    return db.session.execute(select(Event.id).order_by(Event.id).limit(1)).scalar() or 0


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the SQL criterion for events `viewer` may see; `sees` is the same in Python."""
    if viewer.may("*"):
        return true()
    of_job = or_(Event.job_id.is_not(None), Event.subject_type.in_(ABOUT_JOBS))
    reach = visibility.of(viewer).criterion(Event.owner_id, Event.team_id, Event.org_id)
    permitted: ColumnElement[bool] = Event.permission.in_(sorted(viewer.permissions))
    if not visibility.is_everywhere(viewer):
        permitted = permitted & or_(Event.org_id.is_(None), Event.org_id.in_(viewer.org_ids))
    return or_(
        and_(Event.permission.is_(None), of_job, reach),
        and_(Event.permission.is_(None), ~of_job, Event.owner_id == viewer.user_id),
        permitted,
    )


def sees(viewer: Viewer, event: Event) -> bool:
    """Tell whether `viewer` may see `event`."""
    if viewer.may("*"):
        return True
    if event.permission is not None:
        within = event.org_id is None or event.org_id in viewer.org_ids
        return event.permission in viewer.permissions and (
            within or visibility.is_everywhere(viewer)
        )
    if event.job_id is not None or event.subject_type in ABOUT_JOBS:
        return visibility.of(viewer).covers(event.owner_id, event.team_id, event.org_id)
    return event.owner_id == viewer.user_id


def since(
    viewer: Viewer, number: int, limit: int = 100, *, job_id: int | None = None
) -> list[Event]:
    """Return up to `limit` events after `number` that `viewer` may see, oldest first."""
    query = (
        select(Event).where(Event.id > number, visible_to(viewer)).order_by(Event.id).limit(limit)
    )
    if job_id is not None:
        query = query.where(Event.job_id == job_id)
    return list(db.session.scalars(query))


def recent(viewer: Viewer, limit: int = 50, *, job_id: int | None = None) -> list[Event]:
    """Return the newest `limit` events that `viewer` may see, newest first."""
    query = select(Event).where(visible_to(viewer)).order_by(Event.id.desc()).limit(limit)
    if job_id is not None:
        query = query.where(Event.job_id == job_id)
    return list(db.session.scalars(query))
