"""Exactly one of approving, rejecting, expiring, editing and taking back wins; nothing that nobody
approved is ever started. Real threads and processes, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from st_core.testing import people
from tests.core.processes import Nursery, nursery
from tests.exam import SEED, Exam

from .contention import Contest, contest

SCRIPT = Path(__file__).with_name("contention.py")


@pytest.fixture
def app(make_app: Callable[..., Flask], database: object) -> Flask:
    """A database of each kind with somebody who submits and two who decide."""
    app = make_app(plugins=["approvals", "zoo"], queue__max_concurrent=100)
    for level, name in (("researcher", "mei"), ("lead", "lea"), ("lead", "ada")):
        people.make_user(app, level, name)
    return app


@pytest.fixture(scope="module")
def processes() -> Iterator[Nursery]:
    """Other processes."""
    with nursery() as started:
        yield started


def test_of_many_threads_that_decide_one_request_exactly_one_wins(app: Flask, exam: Exam) -> None:
    rounds = exam.count("rounds of 8 requests, 6 contenders", 5, 625)
    ends, wrong = contest(app, rounds, 8, SEED)
    exam.tell(f"ended {dict(ends)}")
    assert wrong == []
    assert sum(ends.values()) == rounds * 8


def test_of_many_processes_that_decide_one_request_exactly_one_wins(
    app: Flask, processes: Nursery, exam: Exam
) -> None:
    members = exam.count("processes", 2, 4)
    arena = Contest(app, SEED)
    pairs = arena.open(exam.count("requests", 20, 400))
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])

    told = processes.run(SCRIPT, members, 1, len(pairs), url=url)

    assert [one["wrong"] for one in told] == [[]] * members
    for request_id, _ in pairs:
        arena.told[request_id] = [word for one in told for word in one["told"][str(request_id)]]
    arena.judge(pairs)
    assert arena.wrong == []
