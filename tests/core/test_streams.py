"""Live events: nothing missed, nothing twice, and each viewer hears only what they may see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from st_core.db import db, unit_of_work
from st_core.errors import Unavailable
from st_core.models import Event, Membership, Org, Team, User
from st_core.services import events, listeners, streams, users
from st_core.services.listeners import Message
from st_core.services.tasks import ThreadRunner
from tests.core import zoo_jobs

PATIENCE_SECONDS = 20.0


def live(app: Flask) -> Flask:
    """Give an app its feed without any service beside it."""
    runner = ThreadRunner(app, [])
    app.extensions["st"].runner = runner
    streams.attach(app, runner)
    return app


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return live(make_app(plugins=["zoo"]))


class Ear:
    """One open stream, read in the test's own time."""

    def __init__(self, app: Flask, viewer: Any, last_id: int | None = None) -> None:
        self._app = app
        with app.app_context():
            self._heard = streams.follow(viewer, last_id, heartbeat_seconds=0.1)

    def __enter__(self) -> Ear:
        (self.hello,) = self.read(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._heard.close()

    def read(self, count: int) -> list[Message]:
        """Return the next `count` messages. Raises TimeoutError when they do not come."""
        found: list[Message] = []
        end = time.monotonic() + PATIENCE_SECONDS
        while len(found) < count:
            with self._app.app_context():
                message = next(self._heard)
            if isinstance(message, Message):
                found.append(message)
            elif time.monotonic() > end:
                raise TimeoutError(f"{len(found)} of {count}: {[each.name for each in found]}")
        return found

    def rest(self) -> None:
        """Wait for a heartbeat: there is nothing to say."""
        with self._app.app_context():
            assert next(self._heard) is None

    def read_to(self, number: int) -> list[Message]:
        """Return the messages up to the one with that number."""
        found: list[Message] = []
        while not found or found[-1].number != number:
            found += self.read(1)
        return found


def pauses(app: Flask, count: int) -> int:
    """Emit `count` events that everybody with `queue.view` sees; return the last number."""
    with app.app_context():
        for _ in range(count):
            with unit_of_work():
                events.emit("queue.paused", subject=("queue", ""))
        return events.head()


def head(app: Flask) -> int:
    with app.app_context():
        return events.head()


def numbers(messages: list[Message]) -> list[int | None]:
    return [each.number for each in messages]


# ── replay ────────────────────────────────────────────────────────────────────────────────────────


def test_who_comes_back_with_the_last_number_gets_each_event_once_also_from_a_new_app(
    app: Flask, make_app: Callable[..., Flask], viewer: Callable[..., Any], database: Any
) -> None:
    one = viewer("researcher")
    start = head(app)
    last = pauses(app, 5)
    with Ear(app, one, start) as ear:
        assert ear.hello.name == "connection"
        first = numbers(ear.read(2))
    assert first == [start + 1, start + 2]
    again = live(make_app(plugins=["zoo"], database_url=database.urls[0]))
    with Ear(again, one, first[-1]) as ear:
        later = pauses(again, 3)
        assert later == last + 3
        assert numbers(ear.read_to(later)) == list(range(start + 3, later + 1))
        newest = pauses(app, 2)  # written by the other one
        assert numbers(ear.read_to(newest)) == [newest - 1, newest]


def test_more_than_one_page_of_backlog_comes_whole(app: Flask, viewer: Callable[..., Any]) -> None:
    start = head(app)
    with app.app_context(), unit_of_work():
        for _ in range(450):
            events.emit("queue.paused", subject=("queue", ""))
    with Ear(app, viewer("researcher"), start) as ear:
        assert numbers(ear.read_to(start + 450)) == list(range(start + 1, start + 451))


def test_nothing_is_lost_or_doubled_between_backlog_and_live(
    app: Flask, viewer: Callable[..., Any], database: Any
) -> None:
    one = viewer("researcher")
    start = head(app)
    writers = [threading.Thread(target=pauses, args=(app, 20)) for _ in range(4)]
    for writer in writers:
        writer.start()
    with Ear(app, one, start) as ear:
        assert numbers(ear.read_to(start + 80)) == list(range(start + 1, start + 81))
    for writer in writers:
        writer.join()


def test_without_a_number_only_what_comes_from_now_on_is_told(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    last = pauses(app, 3)
    with Ear(app, viewer("researcher")) as ear:
        assert ear.hello.data["last_id"] == last
        assert numbers(ear.read_to(pauses(app, 2))) == [last + 1, last + 2]


# ── reset ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("away", [-4, 1, 1000, -1000])
def test_a_number_that_is_too_old_or_foreign_gives_a_reset_and_goes_on_from_now(
    app: Flask, viewer: Callable[..., Any], away: int
) -> None:
    last = pauses(app, 6)
    with app.app_context(), unit_of_work():
        db.session.execute(delete(Event).where(Event.id <= last - 3))
    with Ear(app, viewer("researcher"), last + away) as ear:
        (told,) = ear.read(1)
        assert (told.name, told.number, told.data) == ("reset", last, {"last_id": last})
        newest = pauses(app, 1)
        assert numbers(ear.read(1)) == [newest]


def test_a_number_just_before_the_oldest_event_misses_nothing(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    last = pauses(app, 6)
    with app.app_context(), unit_of_work():
        db.session.execute(delete(Event).where(Event.id <= last - 3))
    with Ear(app, viewer("researcher"), last - 3) as ear:
        assert numbers(ear.read(3)) == [last - 2, last - 1, last]


def test_a_listener_that_does_not_keep_up_is_told_to_begin_anew(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with Ear(app, viewer("researcher")) as ear:
        ear.rest()  # it is past what the table had, and hears from memory
        with app.app_context(), unit_of_work():
            for _ in range(listeners.BACKLOG + 10):
                events.emit("queue.paused", subject=("queue", ""))
        end = time.monotonic() + PATIENCE_SECONDS
        while app.extensions["st_feed"].last < head(app) and time.monotonic() < end:
            time.sleep(0.05)
        (told,) = ear.read(1)
        assert (told.name, told.number) == ("reset", head(app))


# ── who hears what ────────────────────────────────────────────────────────────────────────────────


def test_each_viewer_hears_only_what_is_theirs_their_team_s_or_permitted(
    app: Flask, viewer: Callable[..., Any], database: Any
) -> None:
    who = {name: viewer("researcher", name) for name in ("ada", "bob", "eve")}
    who |= {"lea": viewer("lead", "lea"), "root": viewer("admin", "root")}
    with app.app_context(), unit_of_work():
        org = Org(name="Lab", slug="lab")
        db.session.add(org)
        db.session.flush()
        team = Team(org_id=org.id, name="Vision", slug="vision")
        db.session.add(team)
        db.session.flush()
        for name in ("ada", "bob"):
            user_id = who[name].user_id
            db.session.add(Membership(user_id=user_id, org_id=org.id, team_id=team.id))
    with app.app_context():
        for name in ("ada", "bob"):
            user = db.session.get_one(User, who[name].user_id)
            who[name] = users.viewer_of(user, "session")
    start = head(app)
    ears = {name: Ear(app, one) for name, one in who.items()}
    for ear in ears.values():
        ear.read(1)
    jobs = {name: zoo_jobs.submit(app, who[name]) for name in ("ada", "bob", "eve")}
    with app.app_context(), unit_of_work():
        events.emit("admin.config_changed", subject=("settings", "x"))
        events.emit("config.created", subject=("config", "y"))
    owners = {str(job_id): name for name, job_id in jobs.items()}
    team, admins = {"ada", "bob"}, {"admin.config_changed"}
    expected = {
        "ada": team,
        "bob": team,
        "eve": {"eve"},
        "lea": {"eve"},  # in no organisation: a right to all ends at what belongs to none
        "root": {"ada", "bob", "eve"} | admins,
    }
    for name, ear in ears.items():
        with Ear(app, who[name], start) as replay:
            replayed = replay.read_to(head(app))
        heard = ear.read_to(head(app))
        ear.__exit__()
        assert numbers(heard) == numbers(replayed)
        said = {owners.get(str(each.data["job_id"]), each.name) for each in heard}
        assert said == expected[name] | {"config.created"}, name


def test_progress_carries_no_number_and_goes_only_to_who_may_see_the_job(
    app: Flask, viewer: Callable[..., Any], run_services_once: Callable[..., None], clock: Any
) -> None:
    one, other = viewer("researcher"), viewer("researcher")
    job_id = zoo_jobs.submit(app, one, provider="never")
    run_services_once("dispatch")
    with Ear(app, one) as mine, Ear(app, other) as theirs:
        zoo_jobs.change_attempts(app, progress={"step": 3}, progress_at=clock.now())
        (told,) = mine.read(1)
        last = pauses(app, 1)
        assert numbers(theirs.read(1)) == [last]
    assert (told.name, told.number) == ("training.progress", None)
    assert told.data == {"job_id": str(job_id), "attempt": 1, "progress": {"step": 3}}
    assert last == head(app)


def test_one_stream_too_many_is_refused_and_a_closed_one_makes_room(
    make_app: Callable[..., Flask],
) -> None:
    from st_core.testing import people

    app = live(make_app(plugins=["zoo"], server__stream_limit=1))
    one = people.viewer_of(app, people.make_user(app, "researcher"))
    first = Ear(app, one)
    with pytest.raises(Unavailable, match="in use") as refused:
        Ear(app, one)
    assert refused.value.headers["Retry-After"]
    first.__exit__()
    Ear(app, one).__exit__()
