"""The outbox: every event reaches every subscriber at least once, each by itself, with growing
pauses.

Each subscriber has a lane of its own: one that hangs or fails holds up nobody else.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from functools import partial
from itertools import takewhile

from flask import Flask, current_app
from sqlalchemy import Update, bindparam, select, update

from ..actor import Actor, acting
from ..clock import now
from ..db import UtcDateTime, db, storable, table_of, unit_of_work
from ..failpoints import failpoint
from ..models import Delivery, Event
from ..models.events import IS_PENDING
from ..plugins import current_plugins
from . import events
from .lanes import Lanes

log = logging.getLogger(__name__)
TRIES = 8
PAUSES_SECONDS = (5, 15, 60, 300, 900, 1800, 3600)
CLAIM_SECONDS = 60
BATCH = 100
_ROWS = table_of(Delivery)
#: Made once, over the table: many rounds are made for few events, and no row is needed whole.
_DUE = (
    select(_ROWS.c.event_id, _ROWS.c.attempts)
    .where(
        IS_PENDING,
        _ROWS.c.subscriber == bindparam("subscriber"),
        _ROWS.c.next_at <= bindparam("moment", type_=UtcDateTime),
    )
    .order_by(_ROWS.c.event_id)
)
_FIRST_DUE = _DUE.limit(1)
_NEXT_DUE = _DUE.limit(BATCH + 1).with_for_update(skip_locked=True)
#: One delivers, one waits: who is woken while the other looks for the last time looks again.
lanes = Lanes("deliver", width=1, depth=2)


def run() -> None:
    """Service: let each subscriber's lane deliver until nothing is due."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    for subscriber in app.extensions["st"].subscribers:
        if _is_due(subscriber):
            lanes.offer(subscriber, object(), partial(_in_context, app, subscriber))


def _in_context(app: Flask, subscriber: str) -> None:
    """Deliver to one subscriber in an application context of its own."""
    with app.app_context(), acting(Actor(name="outbox", door="service")):
        try:
            deliver_to(subscriber)
        except Exception:
            log.exception("delivering to %s failed; it is tried again", subscriber)


def deliver_due() -> int:
    """Deliver everything that is due, subscriber by subscriber; return how many were tried."""
    return sum(deliver_to(each) for each in current_app.extensions["st"].subscribers)


def deliver_to(subscriber: str) -> int:
    """Deliver what is due to one subscriber, oldest first; return how many were tried.

    What comes meanwhile is left to the next round, so that many events become one batch.
    """
    tried = 0
    done: list[int] = []
    more = _is_due(subscriber)
    while more:
        batch, more = _claim(subscriber, done)
        done = _deliver(batch, subscriber)
        tried += len(batch)
    _note(subscriber, done)
    return tried


def _is_due(subscriber: str) -> bool:
    asked = {"subscriber": subscriber, "moment": now()}
    found = db.session.execute(_FIRST_DUE, asked).first() is not None
    db.session.rollback()
    return found


def _claim(subscriber: str, done: list[int]) -> tuple[list[int], bool]:
    """Command: note the deliveries that were `done`, take the next ones for a minute, and tell
    whether more are due.

    The try is counted now: a subscriber that takes the process down with it has had one. What was
    tried before comes alone, so that it takes no other down with it.
    """
    with unit_of_work() as session:
        _mark_done(subscriber, done)
        asked = {"subscriber": subscriber, "moment": now()}
        due = list(session.execute(_NEXT_DUE, asked))
        while due and due[0].attempts >= TRIES:
            event_id = due.pop(0).event_id
            _give_up(event_id, subscriber, "the process ended in the middle of the last try")
        fresh = takewhile(lambda row: row.attempts == 0, due[:BATCH])
        batch = [row.event_id for row in fresh] or [row.event_id for row in due[:1]]
        if batch:
            until = now() + timedelta(seconds=CLAIM_SECONDS)
            session.execute(
                _these(batch, subscriber).values(attempts=_ROWS.c.attempts + 1, next_at=until)
            )
        return batch, len(due) > len(batch)


def _these(event_ids: list[int], subscriber: str) -> Update:
    return update(_ROWS).where(_ROWS.c.event_id.in_(event_ids), _ROWS.c.subscriber == subscriber)


def _note(subscriber: str, done: list[int]) -> None:
    """Command: note the deliveries that were done."""
    if done:
        with unit_of_work():
            _mark_done(subscriber, done)


def _mark_done(subscriber: str, done: list[int]) -> None:
    """Step: these deliveries were made."""
    if done:
        failpoint("deliver.before_done")
        db.session.execute(_these(done, subscriber).values(state="done", error=None))


def _deliver(batch: list[int], subscriber: str) -> list[int]:
    """Hand events to one plugin; note each failure. Return those that need no further try.

    A batch that takes too long is let go of: its rest is due again when the claim ends.
    """
    until = time.monotonic() + CLAIM_SECONDS / 2
    found = {
        event.id: event for event in db.session.scalars(select(Event).where(Event.id.in_(batch)))
    }
    db.session.expunge_all()  # each hook may open units of work; the events stay as they were read
    done = []
    for event_id in batch:
        if time.monotonic() > until:
            break
        if event_id not in found or _hand_over(found[event_id], subscriber):
            done.append(event_id)
    return done


def _hand_over(event: Event, subscriber: str) -> bool:
    """Hand one event to one plugin; note a failure. Tell whether it succeeded."""
    try:
        current_plugins().call(subscriber, "st_on_event", event=event)
    except Exception as error:
        db.session.rollback()
        log.exception("hook st_on_event of %s failed on event %s", subscriber, event.id)
        _failed(event.id, subscriber, f"{type(error).__name__}: {error}")
        return False
    db.session.rollback()
    return True


def _failed(event_id: int, subscriber: str, reason: str) -> None:
    """Command: note a failure; after the last try the delivery is dead."""
    with unit_of_work() as session:
        row = session.get(Delivery, (event_id, subscriber))
        if row is None:
            return
        if row.attempts < TRIES:
            row.error = storable(reason, 500)
            row.next_at = now() + timedelta(seconds=PAUSES_SECONDS[row.attempts - 1])
        else:
            _give_up(event_id, subscriber, reason)


def _give_up(event_id: int, subscriber: str, reason: str) -> None:
    """Step: a delivery is dead, and that is an event of its own."""
    lost = _these([event_id], subscriber)
    db.session.execute(lost.values(state="dead", error=storable(reason, 500)))
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
                Delivery.state == "pending",
                Delivery.subscriber.not_in(current_app.extensions["st"].subscribers),
            )
            .values(state="skipped")
        )
