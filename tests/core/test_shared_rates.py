"""Limits on ordinary requests hold for all processes together, and cost few writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from st_core.db import db
from st_core.models import Event, Throttle
from st_core.services import request_rates
from st_core.services.throttles import Rule
from tests.core.browsers import Browser, make_person
from tests.core.processes import Nursery
from tests.exam import Exam

SENDERS = Path(__file__).with_name("request_senders.py")
CHECK = "/api/auth/check"
CALLS = 100


@pytest.fixture
def app(make_app: Callable[..., Flask], database: object) -> Flask:
    """A server where an address may send a hundred requests a minute, on each kind of database."""
    app = make_app(plugins=["zoo"], rate_limit__calls=CALLS)
    make_person(app, "admin", "ada")
    return app


def test_several_processes_let_through_one_limit_and_at_most_a_share_each(
    app: Flask, processes: Nursery, exam: Exam
) -> None:
    members = exam.count("processes that count together", 2, 4)
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])
    passed = processes.run(SENDERS, members, 2, CALLS, CALLS, url=url)
    share = request_rates.share(Rule("requests", CALLS, 60))
    exam.tell(f"{members} processes let through {sum(passed)} of {members * 2 * CALLS} requests")
    assert share == 5
    assert CALLS <= sum(passed) <= CALLS + members * share
    with app.app_context():
        told = db.session.scalar(
            select(func.count(Event.id)).where(Event.name == "security.rate_limited")
        )
        assert told == 1


def test_what_one_process_counted_another_knows(app: Flask, make_app: Callable[..., Flask]) -> None:
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])
    other = make_app(plugins=["zoo"], database_url=url, rate_limit__calls=CALLS)
    here, there = Browser(app), Browser(other)
    assert [here.get(CHECK).status_code for _ in range(CALLS + 1)] == [200] * CALLS + [429]
    answers = [there.get(CHECK).status_code for _ in range(6)]
    assert answers == [200] * 4 + [429] * 2  # at its fifth request it tells, and learns


def test_ordinary_traffic_costs_no_write(app: Flask) -> None:
    browser, writes = Browser(app), []
    with app.app_context():
        engine = db.engine

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SELECT", "PRAGMA", "SHOW", "BEGIN")):
            writes.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert [browser.get(CHECK).status_code for _ in range(4)] == [200] * 4
        assert writes == []
        assert [browser.get(CHECK).status_code for _ in range(16)] == [200] * 16
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert sum("throttle" in each for each in writes) == 4  # each fifth of twenty


def test_while_the_shared_table_cannot_be_asked_a_process_counts_alone(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    rates, rule = request_rates.RequestRates(), Rule("requests", 3, 60)
    with app.app_context():
        Throttle.__table__.drop(db.engine)
        counted = [rates.add(rule, "address 192.0.2.1")[0] for _ in range(5)]
    assert counted == [1, 2, 3, 4, 4]
    assert "counted by this process alone" in caplog.text
