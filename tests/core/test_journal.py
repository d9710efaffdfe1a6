"""The journal: one order without a gap, whoever writes; every event with its actor and owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.actor import Actor, acting
from st_core.contracts import Severity
from st_core.db import db, unit_of_work
from st_core.errors import StError
from st_core.models import Delivery, Event, JobState
from st_core.services import events, jobs, submission
from tests.core.processes import Nursery
from tests.exam import Exam

WRITER = Path(__file__).with_name("journal_writer.py")


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo", "metrics"])


def url_of(app: Flask) -> str:
    return str(app.config["SQLALCHEMY_DATABASE_URI"])


def pause(**more: Any) -> None:
    events.emit("queue.paused", subject=("queue", "queue"), **more)


def written(app: Flask) -> list[Event]:
    with app.app_context():
        return list(db.session.scalars(select(Event).order_by(Event.id)))


def test_numbers_have_no_gap_whatever_processes_write_and_take_back(
    app: Flask, database: Any, exam: Exam, processes: Nursery
) -> None:
    count = exam.count("processes", 8, 8)
    threads, units = exam.count("threads each", 4, 16), exam.count("units each", 30, 400)
    with app.app_context():
        before = events.head()
    reader = Reader(app, before)
    total = sum(
        processes.run(WRITER, count, threads, units, url=url_of(app), meanwhile=reader.read)
    )
    reader.read()
    assert reader.seen == list(range(before + 1, before + 1 + total))
    with app.app_context():
        assert events.head() == before + total
    assert_units_are_whole(app, before)


class Reader:
    """Follows the journal by number while others write, as streams do; a gap would be for ever."""

    def __init__(self, app: Flask, last: int) -> None:
        self._app = app
        self._last = last
        self.seen: list[int] = []

    def read(self) -> None:
        """Take what is new."""
        query = select(Event.id).where(Event.id > self._last).order_by(Event.id)
        with self._app.app_context():
            found = list(db.session.scalars(query))
        self.seen += found
        self._last = found[-1] if found else self._last


def assert_units_are_whole(app: Flask, after: int) -> None:
    """Each unit's events stand together, in the order in which they were emitted."""
    rows = [event for event in written(app) if event.id > after]
    while rows:
        unit = rows[: rows[0].data["of"]]
        assert [event.data["part"] for event in unit] == list(range(len(unit)))
        assert len({event.subject_id for event in unit}) == 1
        rows = rows[len(unit) :]


def test_a_rollback_leaves_no_gap(app: Flask, database: Any) -> None:
    with app.app_context():
        before = events.head()
        for number in range(6):
            try:
                with unit_of_work():
                    pause()
                    if number % 2:
                        raise LookupError
            except LookupError:
                continue
        ids = list(db.session.scalars(select(Event.id).order_by(Event.id)))
    assert ids == list(range(1, before + 4))


def test_every_subscriber_gets_one_delivery_per_event(app: Flask, database: Any) -> None:
    subscribers = app.extensions["st"].subscribers
    assert subscribers
    with app.app_context():
        with unit_of_work():
            pause()
            pause()
        newest = events.head()
        rows = db.session.execute(
            select(Delivery.event_id, Delivery.subscriber).where(Delivery.event_id > newest - 2)
        )
        found = Counter(tuple(row) for row in rows)
    assert found == Counter((n, name) for n in (newest - 1, newest) for name in subscribers)


def test_a_subscriber_can_be_left_out(app: Flask) -> None:
    name = app.extensions["st"].subscribers[0]
    with app.app_context():
        with unit_of_work():
            pause(not_to=name)
        query = select(Delivery.subscriber).where(Delivery.event_id == events.head())
        assert name not in set(db.session.scalars(query))


def test_an_event_says_who_did_it_for_whom_and_through_which_door(app: Flask) -> None:
    somebody = Actor("ada", 7, on_behalf_of_id=8, address="127.0.0.1", door="api", request_id="r1")
    with app.app_context(), acting(somebody), unit_of_work():
        pause(before={"paused": False}, after={"paused": True}, message="for lunch")
    event = written(app)[-1]
    assert (event.actor_name, event.actor_id, event.on_behalf_of_id) == ("ada", 7, 8)
    assert (event.address, event.door, event.request_id) == ("127.0.0.1", "api", "r1")
    assert (event.before, event.after) == ({"paused": False}, {"paused": True})
    assert event.message == "for lunch"


def test_what_a_service_does_is_written_to_the_job_s_owner(
    app: Flask, viewer: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    ada = viewer("researcher", "ada")
    with app.app_context():
        draft = submission.Draft(provider="instant", trainer="fake_trainer", config={"steps": 1})
        job_id = submission.submit(ada, draft).job.id
    for _ in range(3):
        run_services_once("dispatch", "watch")
    mine = [event for event in written(app) if event.job_id == job_id]
    assert [event.name for event in mine] == ["job.submitted", "job.started", "job.completed"]
    assert {event.owner_id for event in mine} == {ada.user_id}
    assert [event.actor_name for event in mine][1:] == ["dispatcher", "watcher"]
    assert [event.before["status"] for event in mine if event.before] == [
        "new",
        "starting",
        "running",
    ]


def test_an_undeclared_event_is_refused(app: Flask) -> None:
    with app.app_context(), pytest.raises(StError, match="not declared"), unit_of_work():
        events.emit("job.exploded")


def test_severity_is_the_type_s_own_unless_said_otherwise(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        pause()
        pause(severity=Severity.CRITICAL)
    assert [event.severity for event in written(app)[-2:]] == ["warning", "critical"]


def test_a_text_without_end_or_with_a_zero_byte_is_written_all_the_same(
    app: Flask, database: Any
) -> None:
    with app.app_context(), unit_of_work():
        events.emit(
            "job.refused",
            subject=("submission", "n" * 300),
            message="a\x00b" * 2000,
            data={"text": "a\x00b"},
        )
    event = written(app)[-1]
    assert len(event.message) == 1000
    assert event.message.startswith("abab")
    assert event.subject_id == "n" * 100


def test_a_deleted_job_s_events_stay(app: Flask, viewer: Callable[..., Any]) -> None:
    ada = viewer("researcher")
    with app.app_context():
        draft = submission.Draft(provider="never", trainer="fake_trainer", config={"steps": 1})
        job_id = submission.submit(ada, draft).job.id
        jobs.cancel(ada, job_id)
        jobs.delete(ada, job_id)
    names = [event.name for event in written(app) if event.job_id == job_id]
    assert names == ["job.submitted", "job.cancelled", "job.deleted"]
    assert written(app)[-1].before == {
        "name": "fake_trainer",
        "status": JobState.CANCELLED.value,
    }
