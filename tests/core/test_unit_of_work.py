"""Everything in a unit of work is written together or not at all, whoever else writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from st_core.db import Usd, assert_unit_of_work, db, fresh_view, retried, unit_of_work
from st_core.models import Lock, StoredSetting
from st_core.services import events, users


@pytest.fixture
def app(make_app: Callable[..., Flask], database: Any) -> Flask:
    return make_app(plugins=["zoo"])


def note(key: str, value: Any = 1) -> None:
    db.session.add(StoredSetting(key=key, value=value))


def keys() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(StoredSetting.key)))


def test_what_is_written_inside_is_there_afterwards(app: Flask) -> None:
    with app.app_context():
        with unit_of_work():
            note("a")
            note("b")
        assert keys() == {"a", "b"}


def test_an_exception_takes_everything_back_events_included(app: Flask) -> None:
    with app.app_context():
        before = events.head()
        with pytest.raises(LookupError):
            together(lambda: note("a"), pause, db.session.flush, {}.popitem)
        assert keys() == set()
        with unit_of_work():
            note("b")
        assert events.head() == before


def test_a_refused_row_takes_everything_back(app: Flask) -> None:
    with app.app_context():
        with unit_of_work():
            note("taken")
        db.session.remove()
        with pytest.raises(IntegrityError):
            together(lambda: note("a"), lambda: note("taken"))
        assert keys() == {"taken"}


def test_units_of_work_do_not_nest(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(RuntimeError, match="do not nest"):
            together(lambda: note("a"), lambda: together(lambda: note("b")))
        assert keys() == set()


def test_a_step_outside_a_unit_of_work_is_refused(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(RuntimeError, match="call it from a command"):
            assert_unit_of_work()
        with pytest.raises(RuntimeError, match="call it from a command"):
            events.emit("queue.paused")


def test_changes_made_outside_are_refused(app: Flask) -> None:
    with app.app_context():
        note("a")
        with pytest.raises(RuntimeError, match="outside a unit of work"), unit_of_work():
            pass
        with pytest.raises(RuntimeError, match="outside a unit of work"):
            fresh_view()
        db.session.rollback()
        assert keys() == set()


def test_a_long_session_sees_inside_what_others_have_written(app: Flask) -> None:
    with app.app_context():
        with unit_of_work():
            note("a", "old")
        assert db.session.get_one(StoredSetting, "a").value == "old"
        elsewhere(app, lambda: _set("a", "new"))
        with unit_of_work():
            assert db.session.get_one(StoredSetting, "a").value == "new"


def test_a_fresh_view_sees_what_others_have_written_and_then_one_moment(app: Flask) -> None:
    with app.app_context():
        assert keys() == set()
        elsewhere(app, lambda: note("a"))
        fresh_view()
        assert set(db.session.scalars(select(StoredSetting.key))) == {"a"}
        elsewhere(app, lambda: note("b"))
        assert set(db.session.scalars(select(StoredSetting.key))) == {"a"}
        fresh_view()
        assert set(db.session.scalars(select(StoredSetting.key))) == {"a", "b"}


def test_a_fresh_view_inside_a_unit_of_work_keeps_what_it_has_written(app: Flask) -> None:
    with app.app_context():
        with unit_of_work():
            note("a")
            db.session.flush()
            fresh_view()
            assert db.session.scalar(select(func.count()).select_from(StoredSetting)) == 1
        assert keys() == {"a"}


def test_a_counter_under_a_gate_loses_nothing(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        note("counter", 0)

    def count(_: int) -> None:
        with app.app_context(), unit_of_work(gate="submit"):
            row = db.session.get_one(StoredSetting, "counter")
            row.value = row.value + 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(count, range(160)))
    with app.app_context():
        assert db.session.get_one(StoredSetting, "counter").value == 160


def test_threads_that_wait_for_a_gate_leave_connections_for_reading(app: Flask) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context(), unit_of_work(gate="submit"):
            inside.set()
            go_on.wait(60)

    def wait_for_it() -> None:
        with app.app_context(), unit_of_work(gate="submit"):
            pass

    def read() -> int:
        with app.app_context():
            return events.head()

    with ThreadPoolExecutor(40) as pool:
        others = [pool.submit(hold)]
        assert inside.wait(10)
        others += [pool.submit(wait_for_it) for _ in range(30)]
        try:
            assert pool.submit(read).result(10) >= 0
        finally:
            go_on.set()
        for each in others:
            each.result(60)


def test_gates_of_different_names_do_not_wait_for_each_other(app: Flask, database: Any) -> None:
    if database.kind == "sqlite":
        return  # one write lock for everything
    with app.app_context(), unit_of_work(gate="submit"):

        def other() -> None:
            with app.app_context(), unit_of_work(gate="dispatch"):
                note("a")

        with ThreadPoolExecutor(1) as pool:
            pool.submit(other).result(10)


def test_a_command_given_up_for_a_deadlock_runs_again(app: Flask, database: Any) -> None:
    if database.kind == "sqlite":
        return  # one write lock: nothing to lock in two orders
    with app.app_context():
        before = _locks()
    meet = threading.Barrier(2)
    met = threading.local()

    @retried
    def cross(first: str, second: str) -> None:
        with app.app_context(), unit_of_work():
            _bump(first)
            if not getattr(met, "yes", False):
                met.yes = True
                meet.wait(10)
            _bump(second)

    with ThreadPoolExecutor(2) as pool:
        for each in [
            pool.submit(cross, *pair) for pair in (("submit", "policy"), ("policy", "submit"))
        ]:
            each.result(30)
    with app.app_context():
        assert _locks() == {name: value + 2 for name, value in before.items()}


def test_another_error_of_the_database_is_not_tried_again(app: Flask) -> None:
    tries = []

    @retried
    def fail() -> None:
        tries.append(1)
        with app.app_context(), unit_of_work():
            db.session.execute(text("SELECT * FROM no_such_table"))

    with pytest.raises(Exception, match="no_such_table"):
        fail()
    assert tries == [1]


def test_the_local_owner_is_made_once_however_many_ask(app: Flask) -> None:
    def ask(_: int) -> int:
        with app.app_context():
            return users.local_owner().id

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1


def test_moments_come_back_in_utc_and_naive_ones_are_refused(app: Flask) -> None:
    berlin = timezone(timedelta(hours=2))
    with app.app_context():
        with unit_of_work():
            note("a")
            db.session.get_one(StoredSetting, "a").updated_at = datetime(
                2024, 5, 1, 12, 30, 0, 123456, berlin
            )
        assert db.session.get_one(StoredSetting, "a").updated_at == datetime(
            2024, 5, 1, 10, 30, 0, 123456, UTC
        )
        with pytest.raises(Exception, match="naive datetime"), unit_of_work():
            db.session.get_one(StoredSetting, "a").updated_at = datetime(2024, 5, 1)  # noqa: DTZ001


@pytest.mark.parametrize("usd", ["0", "0.000001", "12.34", "-3.5", "123456789.123456"])
def test_money_is_exact(usd: str) -> None:
    kept = Usd().process_bind_param(Decimal(usd), None)
    assert Usd().process_result_value(kept, None) == Decimal(usd)


def test_an_event_that_cannot_be_written_takes_everything_back(app: Flask) -> None:
    with app.app_context():
        before = events.head()
        with pytest.raises((StatementError, TypeError)):
            together(lambda: note("a"), pause, lambda: events.emit("job.queued", data={"x": {1}}))
        assert keys() == set()
        assert events.head() == before


def together(*steps: Callable[[], object]) -> None:
    """Take these steps in one unit of work."""
    with unit_of_work():
        for step in steps:
            step()


def pause() -> None:
    events.emit("queue.paused", subject=("queue", "queue"))


def elsewhere(app: Flask, change: Callable[[], None]) -> None:
    """Write in another thread, as another request would."""

    def work() -> None:
        with app.app_context(), unit_of_work():
            change()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(30)


def _set(key: str, value: Any) -> None:
    db.session.get_one(StoredSetting, key).value = value


def _bump(name: str) -> None:
    db.session.execute(update(Lock).where(Lock.name == name).values(value=Lock.value + 1))


def _locks() -> dict[str, int]:
    query = select(Lock.name, Lock.value).where(Lock.name.in_(("submit", "policy")))
    return {name: value for name, value in db.session.execute(query)}
