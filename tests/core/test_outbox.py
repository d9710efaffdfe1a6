"""The outbox: every event reaches every subscriber, and one that fails holds up nobody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from st_core.db import db, unit_of_work
from st_core.models import Delivery, Event
from st_core.services import deliveries, events
from tests.core import zoo_jobs

#: Writes down what it is told; fails at what says so.
LISTENER = """
from st_core import hookimpl

HEARD, TRIED = [], []
FAILS = set()


@hookimpl
def st_on_event(event):
    TRIED.append(event.id)
    if event.message in FAILS:
        raise LookupError("cannot write " + "x" * 600)
    HEARD.append(event.id)
"""


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("first", LISTENER)
    install_plugin("second", LISTENER)
    app = make_app(plugins=["first", "second"])
    with app.app_context():  # what the start itself wrote is not ours to count
        deliveries.deliver_due()
    for name in ("first", "second"):
        heard(app, name).clear()
        tried(app, name).clear()
    return app


def module(app: Flask, name: str) -> Any:
    return app.extensions["st"].plugins.modules[name]


def heard(app: Flask, name: str) -> list[int]:
    """Return the numbers of the events that a subscriber took."""
    found: list[int] = module(app, name).HEARD
    return found


def tried(app: Flask, name: str) -> list[int]:
    """Return the numbers of the events that a subscriber was asked to take."""
    found: list[int] = module(app, name).TRIED
    return found


def pauses(app: Flask, *messages: str) -> list[int]:
    """Emit one event per message and return their numbers."""
    with app.app_context():
        with unit_of_work():
            for message in messages:
                events.emit("queue.paused", subject=("queue", ""), message=message)
        head = events.head()
    return list(range(head - len(messages) + 1, head + 1))


def delivery(app: Flask, number: int, subscriber: str) -> Delivery:
    with app.app_context():
        return db.session.get_one(Delivery, (number, subscriber))


def states(app: Flask) -> Counter[tuple[str, str]]:
    with app.app_context():
        query = select(Delivery.subscriber, Delivery.state).where(Delivery.state != "done")
        return Counter(tuple(row) for row in db.session.execute(query))


def test_every_event_reaches_every_subscriber_once_and_in_order(
    app: Flask, deliver_all: Callable[[], None], database: Any
) -> None:
    numbers = pauses(app, "one", "two", "three")
    deliver_all()
    deliver_all()
    for name in ("first", "second"):
        assert tried(app, name) == heard(app, name) == numbers
    assert states(app) == Counter()


def test_two_processes_that_deliver_at_the_same_time_deliver_once(
    app: Flask, database: Any
) -> None:
    numbers = pauses(app, *"abcdefgh")

    def deliver() -> int:
        with app.app_context():
            return deliveries.deliver_due()

    counts = zoo_jobs.at_once([deliver] * 4)
    assert sum(int(str(each)) for each in counts) == 2 * len(numbers)
    for name in ("first", "second"):
        assert sorted(tried(app, name)) == numbers


def test_a_failing_subscriber_delays_no_other_and_is_tried_again_later(
    app: Flask, deliver_all: Callable[[], None], clock: Any, database: Any
) -> None:
    module(app, "first").FAILS.add("bad")
    numbers = pauses(app, "fine", "bad", "fine too")
    deliver_all()
    assert heard(app, "second") == numbers
    assert heard(app, "first") == [numbers[0], numbers[2]]
    waiting = delivery(app, numbers[1], "first")
    assert (waiting.state, waiting.attempts) == ("pending", 1)
    assert str(waiting.error).startswith("LookupError: cannot write")
    assert waiting.next_at > clock.now()
    deliver_all()
    assert tried(app, "first").count(numbers[1]) == 1
    module(app, "first").FAILS.clear()
    clock.advance(seconds=deliveries.PAUSES_SECONDS[0] + 1)
    deliver_all()
    assert heard(app, "first") == [numbers[0], numbers[2], numbers[1]]
    assert delivery(app, numbers[1], "first").error is None
    assert tried(app, "second") == numbers


def test_the_pauses_grow_and_after_the_last_try_the_delivery_is_dead(
    app: Flask, deliver_all: Callable[[], None], clock: Any, database: Any
) -> None:
    module(app, "first").FAILS.add("bad")
    (number,) = pauses(app, "bad")
    deliver_all()
    for tries, pause in enumerate(deliveries.PAUSES_SECONDS, 1):
        clock.advance(seconds=pause - 2)
        deliver_all()
        assert tried(app, "first") == [number] * tries
        clock.advance(seconds=3)
        deliver_all()
    assert tried(app, "first") == [number] * deliveries.TRIES
    given_up = delivery(app, number, "first")
    assert (given_up.state, given_up.attempts) == ("dead", deliveries.TRIES)
    with app.app_context():
        assert deliveries.dead() == 1
        told = db.session.scalars(select(Event).where(Event.id > number)).one()
        to = list(
            db.session.scalars(select(Delivery.subscriber).where(Delivery.event_id == told.id))
        )
    assert told.name == "system.subscriber_dead"
    assert (told.subject_type, told.subject_id) == ("plugin", "first")
    assert told.data == {"event_id": number}
    assert to == ["second"]
    clock.advance(days=1)
    deliver_all()
    assert heard(app, "second") == [number, told.id]
    assert tried(app, "first") == [number] * deliveries.TRIES


def test_a_subscriber_that_took_the_process_down_has_had_its_try(
    app: Flask, deliver_all: Callable[[], None], clock: Any
) -> None:
    (number,) = pauses(app, "one")
    with app.app_context(), unit_of_work():
        row = db.session.get_one(Delivery, (number, "first"))
        row.attempts = deliveries.TRIES
    deliver_all()
    assert delivery(app, number, "first").state == "dead"
    assert number not in tried(app, "first")


def test_what_waits_for_a_plugin_that_is_switched_off_is_skipped_at_the_start(
    app: Flask, make_app: Callable[..., Flask], database: Any
) -> None:
    numbers = pauses(app, "one", "two")
    url = database.urls[0]
    without = make_app(plugins=["second"], database_url=url)
    assert states(without) == Counter({("first", "skipped"): 2, ("second", "pending"): 2})
    again = make_app(plugins=["first", "second"], database_url=url)
    with again.app_context():
        deliveries.deliver_due()
        left = db.session.scalar(select(func.count()).where(Delivery.state == "pending"))
    assert left == 0
    assert heard(again, "first") == []
    assert heard(again, "second") == numbers


def test_the_service_lets_each_subscriber_s_lane_deliver(
    app: Flask, run_services_once: Callable[..., None]
) -> None:
    numbers = pauses(app, "one", "two")
    run_services_once("deliver")
    assert heard(app, "first") == heard(app, "second") == numbers
