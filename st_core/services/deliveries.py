"""The outbox: every event reaches every subscriber at least once, each by itself, with growing
pauses."""

from __future__ import annotations

import logging
from datetime import timedelta

from flask import current_app
from sqlalchemy import select, update

from ..clock import now
from ..db import db, unit_of_work
from ..models import Delivery, Event
from ..models.events import IS_PENDING
from ..plugins import current_plugins
from . import events

log = logging.getLogger(__name__)
BATCH = 100
TRIES = 8
PAUSES_SECONDS = (5, 15, 60, 300, 900, 1800, 3600)
CLAIM_SECONDS = 60


def run() -> None:
    """Service: deliver what is due until nothing is."""
    while deliver_due():
        pass


def deliver_due() -> int:
    """Deliver up to one batch of due events; return how many were tried."""
    batch = _claim()
    for event_id, subscriber in batch:
        _deliver(event_id, subscriber)
    return len(batch)


def _claim() -> list[tuple[int, str]]:
    """Command: take due deliveries for this process; if it dies they come back after a minute."""
    moment = now()
    due = (
        select(Delivery)
        .where(IS_PENDING, Delivery.next_at <= moment)
        .order_by(Delivery.event_id)
        .limit(BATCH)
    )
    if db.session.scalars(due.limit(1)).first() is None:
        return []
    with unit_of_work():
        rows = list(db.session.scalars(due.with_for_update(skip_locked=True, of=Delivery)))
        for row in rows:
            row.next_at = moment + timedelta(seconds=CLAIM_SECONDS)
        return [(row.event_id, row.subscriber) for row in rows]


def _deliver(event_id: int, subscriber: str) -> None:
    """Hand one event to one plugin, and note how it went."""
    event = db.session.get(Event, event_id)
    try:
        if event is not None:
            current_plugins().call(subscriber, "st_on_event", event=event)
    except Exception as error:
        db.session.rollback()
        log.exception("hook st_on_event of %s failed on event %s", subscriber, event_id)
        _failed(event_id, subscriber, f"{type(error).__name__}: {error}")
    else:
        db.session.rollback()
        with unit_of_work():
            db.session.execute(
                update(Delivery)
                .where(Delivery.event_id == event_id, Delivery.subscriber == subscriber)
                .values(state="done", error=None)
            )


def _failed(event_id: int, subscriber: str, reason: str) -> None:
    """Command: note a failure; after the last try the delivery is dead and that is an event of
    its own."""
    with unit_of_work():
        row = db.session.get(Delivery, (event_id, subscriber))
        if row is None:
            return
        row.attempts += 1
        row.error = reason[:500]
        if row.attempts < TRIES:
            row.next_at = now() + timedelta(seconds=PAUSES_SECONDS[row.attempts - 1])
            return
        row.state = "dead"
        events.emit(
            "system.subscriber_dead",
            subject=("plugin", subscriber),
            message=f"{subscriber} gave up on event {event_id}: {reason[:200]}",
            data={"event_id": event_id},
            not_to=subscriber,  # or a broken subscriber would feed itself for ever
        )


def dead() -> int:
    """Return how many deliveries were given up."""
    query = select(Delivery.event_id).where(Delivery.state == "dead").limit(1000)
    return len(db.session.execute(query).all())


def skip_unsubscribed() -> None:
    """Command: what waits for a plugin that is switched off is skipped; enabled again it starts
    from then on."""
    with unit_of_work():
        db.session.execute(
            update(Delivery)
            .where(
                IS_PENDING,
                Delivery.subscriber.not_in(current_app.extensions["st"].subscribers),
            )
            .values(state="skipped")
        )
