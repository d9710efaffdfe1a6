"""Many threads in several processes submit and dispatch against one limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from st_core.db import db
from st_core.models import Attempt, Event, Job, JobState
from st_core.services import workspaces
from st_core.testing import people
from tests.core.processes import Nursery
from tests.exam import Exam

RACERS = Path(__file__).with_name("racers.py")
LIMIT = 5


@pytest.fixture
def app(make_app: Callable[..., Flask], database: object) -> Flask:
    """A prepared database of each kind."""
    return make_app(plugins=["zoo"])


def test_never_more_than_the_limit_run_and_no_place_is_ever_wrong(
    app: Flask, processes: Nursery, exam: Exam
) -> None:
    members = exam.count("processes", 2, 4)
    threads = exam.count("threads of each", 8, 16)
    each = exam.count("jobs of each thread", 1, 2)
    user_ids = [people.make_user(app, "researcher", f"racer-{number}") for number in range(8)]
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])

    told = processes.run(RACERS, members, threads, each, *user_ids, url=url)

    jobs = members * threads * each
    assert [one["wrong"] for one in told] == [[]] * members
    assert [one["left"] for one in told] == [0] * members
    assert max(one["most"] for one in told) == LIMIT
    assert all(one["looks"] for one in told)
    with app.app_context():
        states = db.session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        assert [tuple(row) for row in states] == [(JobState.COMPLETED, jobs)]
        assert db.session.scalar(select(func.count(Attempt.id))) == jobs
        starts = [
            len((workspaces.of(job) / "starts").read_text().splitlines())
            for job in db.session.scalars(select(Job))
        ]
        assert starts == [1] * jobs
        numbers = list(db.session.scalars(select(Event.id).order_by(Event.id)))
        assert numbers == list(range(1, len(numbers) + 1))
