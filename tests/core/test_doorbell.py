"""The doorbell between processes: the others hear it, and it rings again after it broke."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from st_core.contracts import Service
from st_core.db import db, unit_of_work
from st_core.services import doorbell, events, tasks
from st_core.services.doorbell import Doorbell
from st_core.services.tasks import ThreadRunner

PATIENCE_SECONDS = 20.0
Rung = Queue[str]
Bells = Callable[..., tuple[Doorbell, Rung]]


@pytest.fixture
def app(make_app: Callable[..., Flask], database: Any) -> Flask:
    return make_app(plugins=[])


@pytest.fixture
def bells(app: Flask) -> Iterator[Bells]:
    """Make the bells of several processes on one database; each tells what it heard."""
    with ExitStack() as stack:

        def make(*known: str) -> tuple[Doorbell, Rung]:
            rung: Rung = Queue()
            bell = Doorbell(app, rung.put, known)
            stack.callback(bell.close)
            return bell, rung

        yield make


def is_heard(ring: Callable[[], None], rung: Rung, name: str) -> bool:
    """Ring until `name` is heard: a bell needs a moment until its line is laid."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        ring()
        with suppress(Empty):
            if rung.get(timeout=0.1) == name:
                return True
    return False


def quiet(rung: Rung) -> None:
    """Forget what was heard."""
    with suppress(Empty):
        while True:
            rung.get(timeout=0.2)


def test_what_one_rings_for_every_other_hears_and_itself_does_not(bells: Bells) -> None:
    (one, mine), (_, second), (_, third) = bells(), bells(), bells()
    for rung in (second, third):
        assert is_heard(lambda: one.ring("journal"), rung, "journal")
    assert mine.empty()


def test_a_thousand_rings_at_once_are_a_few(bells: Bells) -> None:
    (one, _), (_, other) = bells(), bells()
    assert is_heard(lambda: one.ring("journal"), other, "journal")
    quiet(other)
    for _ in range(1000):
        one.ring("journal")
    one.ring("progress")
    assert is_heard(lambda: None, other, "progress")
    assert other.qsize() < 500


def test_a_process_that_died_disturbs_nobody(app: Flask, bells: Bells) -> None:
    (one, _), (_, other) = bells(), bells()
    assert is_heard(lambda: one.ring("journal"), other, "journal")
    folder = _folder(app)
    if folder is not None:
        os.mkfifo(folder / "1-dead.bell")
        (folder / "1-odd.bell").mkdir()
    assert is_heard(lambda: one.ring("progress"), other, "progress")
    if folder is not None:
        assert not (folder / "1-dead.bell").exists()


def test_a_line_that_broke_is_laid_anew_and_everything_counts_as_rung(
    app: Flask, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 0.2)
    (one, _), (_, other) = bells(), bells("journal", "progress")
    assert is_heard(lambda: one.ring("x"), other, "x")
    quiet(other)
    _break(app)
    assert is_heard(lambda: None, other, "journal")
    assert is_heard(lambda: None, other, "progress")
    assert is_heard(lambda: one.ring("x"), other, "x")


def _folder(app: Flask) -> Path | None:
    """Return where the pipes lie, None on PostgreSQL."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    return Path(f"{url.removeprefix('sqlite:///')}-bells") if url.startswith("sqlite") else None


def _break(app: Flask) -> None:
    """Cut every line."""
    folder = _folder(app)
    if folder is not None:
        for pipe in folder.glob("*.bell"):
            pipe.unlink()
        return
    with app.app_context():
        db.session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND "
                "(query LIKE 'LISTEN%' OR query LIKE '%pg_notify($%' OR query = 'SELECT 1')"
            )
        )


def test_where_no_line_can_be_laid_the_server_works_without(
    app: Flask, bells: Bells, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OSError("no pipes here")

    monkeypatch.setattr(doorbell, "_lay", refuse)
    bell, _ = bells()
    for _ in range(100_000):
        bell.ring("journal")
    end = time.monotonic() + PATIENCE_SECONDS
    while "no pipes here" not in caplog.text and time.monotonic() < end:
        time.sleep(0.01)
    assert caplog.text.count("no pipes here") == 1
    bell.close()


def test_the_last_one_leaves_no_pipe_behind(app: Flask, bells: Bells) -> None:
    (one, _), (two, other) = bells(), bells()
    assert is_heard(lambda: one.ring("journal"), other, "journal")
    one.close()
    two.close()
    folder = _folder(app)
    assert folder is None or list(folder.iterdir()) == []


def test_an_event_of_one_process_wakes_what_listens_in_another(
    app: Flask, make_app: Callable[..., Flask], database: Any
) -> None:
    other = make_app(plugins=[], database_url=database.urls[0])
    heard, done = threading.Event(), threading.Event()
    alone = Service("alone", done.set, every_seconds=3600.0)
    everywhere = Service("everywhere", lambda: None, every_seconds=3600.0, exclusive=False)
    runners = [ThreadRunner(each, [everywhere]) for each in (app, other)]
    runners[1] = ThreadRunner(other, [alone, everywhere])
    runners[1].listen("journal", heard.set)
    for each, runner in zip((app, other), runners, strict=True):
        each.extensions["st"].runner = runner
        runner.start()
    try:
        assert done.wait(PATIENCE_SECONDS)
        done.clear()
        end = time.monotonic() + PATIENCE_SECONDS
        while not (heard.is_set() and done.is_set()) and time.monotonic() < end:
            with app.app_context(), unit_of_work():
                events.emit("queue.paused", subject=("queue", ""))
            with app.app_context():
                tasks.wake("alone")
            time.sleep(0.1)
        assert heard.is_set()
        assert done.is_set()
    finally:
        for each, runner in zip((app, other), runners, strict=True):
            runner.close()
            each.extensions["st"].runner = None
