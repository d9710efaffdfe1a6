"""Every event is an entry, in one chain, written with the change or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sql_event
from sqlalchemy import select, text
from st_audit import ledger

from st_core.actor import acting
from st_core.db import db, unit_of_work
from st_core.errors import StError
from st_core.models import Event
from st_core.services import events
from tests.plugins.audit import logs


def test_every_event_is_an_entry_with_who_from_where_and_what(app: Flask, database: Any) -> None:
    logs.write(app, 1)
    entry = logs.rows(app)[-1]
    with app.app_context():
        told = db.session.scalars(select(Event).order_by(Event.id.desc())).first()
        assert told is not None
        assert entry["event_id"] == told.id
        assert entry["timestamp"] == f"{told.created_at:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert (entry["event_type"], entry["action"]) == ("queue.paused", "paused")
    assert (entry["category"], entry["severity"]) == ("queue", "warning")
    assert (entry["actor_id"], entry["actor_username"], entry["on_behalf_of"]) == (7, "ada", 8)
    assert (entry["actor_ip"], entry["door"], entry["request_id"]) == ("127.0.0.1", "api", "r-1")
    assert (entry["target_type"], entry["target_id"]) == ("queue", "q-0")
    assert json.loads(entry["details"])["b"] == [1, None, True]
    assert json.loads(entry["before"]) == {"paused": False}
    assert json.loads(entry["after"]) == {"paused": True, "reason": "=1+1"}


def test_an_entry_has_the_name_of_the_audit_log_where_there_is_one(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        events.emit("admin.config_changed", subject=("settings", "x"))
    entry = logs.rows(app)[-1]
    assert (entry["name"], entry["event_type"]) == ("admin.config_changed", "config.changed")


def test_numbers_have_no_gap_and_each_names_the_hash_before(app: Flask, database: Any) -> None:
    logs.write(app, 5, each=3)
    with app.app_context():
        for _ in range(3):
            with suppress(LookupError), unit_of_work():
                logs.pause(0)
                raise LookupError
    logs.write(app, 2)
    found = logs.rows(app)
    assert [row["number"] for row in found] == list(range(1, len(found) + 1))
    hashes = ["genesis", *(row["entry_hash"] for row in found)]
    assert [row["previous_hash"] for row in found] == hashes[:-1]
    assert logs.verify(app).valid


def test_recording_is_one_insert_and_one_update(app: Flask) -> None:
    logs.write(app, 2)  # the first begins the log, the second looks where it ends
    said: list[str] = []
    with app.app_context(), acting(logs.ADA):
        sql_event.listen(
            db.engine, "before_cursor_execute", lambda *given: said.append(given[2].split(" (")[0])
        )
        with unit_of_work():
            for part in range(50):
                logs.pause(1, part)
    ours = [line for line in said if "audit" in line]
    assert [line.split()[0] for line in ours] == ["UPDATE", "INSERT"]


def test_what_cannot_be_recorded_does_not_happen(app: Flask, database: Any) -> None:
    logs.write(app, 1)
    with app.app_context():
        before = events.head()
        with unit_of_work() as session:
            session.execute(text("ALTER TABLE audit_entry RENAME TO audit_away"))
        with pytest.raises(Exception, match="audit_entry"), unit_of_work():
            logs.pause(1)
        with unit_of_work() as session:
            session.execute(text("ALTER TABLE audit_away RENAME TO audit_entry"))
        assert events.head() == before
    logs.write(app, 1)
    assert logs.verify(app).valid


def test_a_change_over_the_api_is_undone_when_the_record_fails(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    admin = as_user("admin")
    with app.app_context(), unit_of_work() as session:
        session.execute(text("ALTER TABLE audit_entry RENAME TO audit_away"))
    assert admin.post("/api/queue/pause").status_code >= 500
    with app.app_context(), unit_of_work() as session:
        session.execute(text("ALTER TABLE audit_away RENAME TO audit_entry"))
    assert admin.get("/api/queue/stats").json.get("paused") in (False, None)
    assert "queue.paused" not in [row["event_type"] for row in logs.rows(app)]


def test_a_moved_end_stops_every_change_until_somebody_has_looked(
    app: Flask, database: Any
) -> None:
    logs.write(app, 3)
    with app.app_context():
        with unit_of_work() as session:
            session.execute(text("UPDATE audit_head SET number = number - 1"))
        with pytest.raises(StError, match="resume") as refused, unit_of_work():
            logs.pause(1)
        assert refused.value.code == ledger.HeadForged.code


def test_odd_data_is_recorded_as_it_can_be_read_back(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        events.emit(
            "queue.paused",
            subject=("queue", "q"),
            data={"numbers": {10: "ten", 9: "nine"}, "pair": (1, 2), "big": 2**70, "tiny": 5e-324},
        )
    entry = logs.rows(app)[-1]
    assert json.loads(entry["details"])["numbers"] == {"10": "ten", "9": "nine"}
    assert logs.verify(app).valid
    assert logs.check_file(logs.exported(app), logs.public_keys(app)).valid


def test_a_figure_that_is_no_number_is_recorded_by_its_name(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        events.emit("queue.paused", subject=("queue", "q"), data={"loss": [float("nan")]})
    assert json.loads(logs.rows(app)[-1]["details"]) == {"loss": ["nan"]}
    assert logs.check_file(logs.exported(app), logs.public_keys(app)).valid


def test_events_while_the_log_was_off_are_named_when_it_goes_on(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["audit", "zoo"])
    logs.write(app, 2)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    logs.write(make_app(plugins=["zoo"], database_url=url), 3)
    again = make_app(plugins=["audit", "zoo"], database_url=url)
    entry = logs.rows(again)[-1]
    said = json.loads(entry["details"])
    assert entry["event_type"] == "audit.started"
    assert said["unrecorded_to"] - said["unrecorded_from"] + 1 == 3
    assert logs.verify(again).valid
