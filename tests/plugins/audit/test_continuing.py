"""A log goes on: with another key, after its end was moved, after its key was lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from st_audit import continuing, ledger

from st_core.db import db, unit_of_work
from st_core.errors import StError
from st_core.secrets import SecretLost
from tests.plugins.audit import logs


def test_a_new_key_signs_from_then_on_and_the_old_ones_still_prove(
    app: Flask, database: Any
) -> None:
    logs.write(app, 3)
    old = logs.public_keys(app)
    with app.app_context():
        continuing.rotate_key()
    logs.write(app, 3)
    assert logs.verify(app).valid
    assert logs.public_keys(app).startswith(old)
    lines = logs.exported(app)
    assert logs.check_file(lines, logs.public_keys(app)).valid
    assert not logs.check_file(lines, old).valid
    (entry,) = [row for row in logs.rows(app) if row["event_type"] == "audit.key_rotated"]
    assert json.loads(entry["before"])["key"] != json.loads(entry["after"])["key"]


def test_a_key_from_the_environment_is_taken_into_use_at_the_start(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["audit"])
    logs.write(app, 2)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    again = make_app(plugins=["audit"], database_url=url, audit__key="a long random text")
    logs.write(again, 2)
    once_more = make_app(plugins=["audit"], database_url=url, audit__key="a long random text")
    assert logs.verify(once_more).valid
    rotated = [row for row in logs.rows(app) if row["event_type"] == "audit.key_rotated"]
    assert len(rotated) == 1
    other = make_app(plugins=["audit"], audit__key="a long random text")
    logs.write(other, 1)
    assert logs.public_keys(other) in logs.public_keys(once_more)


def test_a_process_that_knew_the_old_key_goes_on_with_the_new_one(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["audit"])
    logs.write(app, 2)
    other = make_app(plugins=["audit"], database_url=app.config["SQLALCHEMY_DATABASE_URI"])
    with other.app_context():
        continuing.rotate_key()
    logs.write(app, 2)
    logs.write(other, 2)
    assert logs.verify(app).valid


def test_a_log_whose_end_was_moved_goes_on_with_a_note_and_stays_suspicious(app: Flask) -> None:
    logs.write(app, 4)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit_entry WHERE number > 2"))
        connection.execute(sa.text("UPDATE audit_head SET number = 2"))
    with pytest.raises(ledger.HeadForged):
        logs.write(app, 1)
    with app.app_context():
        assert continuing.resume("somebody cut the log") == 3
        with pytest.raises(StError, match="nothing to repair"):
            continuing.resume("again")
    logs.write(app, 2)
    entry = next(row for row in logs.rows(app) if row["event_type"] == "audit.resumed")
    assert entry["message"] == "somebody cut the log"
    assert (entry["number"], json.loads(entry["before"])["number"]) == (3, 2)


def test_without_its_key_nothing_changes_until_somebody_says_how_to_go_on(
    make_app: Callable[..., Flask], state_dir: Path
) -> None:
    app = make_app(plugins=["audit"])
    logs.write(app, 3)
    (state_dir / "secret.key").unlink()
    again = make_app(plugins=["audit"], database_url=app.config["SQLALCHEMY_DATABASE_URI"])
    with pytest.raises(SecretLost):
        logs.write(again, 1)
    with again.app_context():
        continuing.resume("the key was lost with the old disk")
    logs.write(again, 2)
    told = logs.verify(again)
    assert told.valid, told.findings
    assert "seals from entry 1 on were not checked" in told.notes[0]
    assert logs.check_file(logs.exported(again), logs.public_keys(again)).valid


def test_the_commands_look_after_the_log(app: Flask, tmp_path: Path) -> None:
    logs.write(app, 3)
    run = app.test_cli_runner().invoke
    from st_audit.commands import group

    signed = run(group, ["checkpoint"]).output
    anchor = tmp_path / "anchor.json"
    anchor.write_text(signed)
    told = run(group, ["verify", "--anchor", str(anchor)])
    assert (told.exit_code, told.output.startswith("Chain intact: ")) == (0, True)
    assert run(group, ["public-key"]).output == logs.public_keys(app)
    assert run(group, ["verifier"]).output.startswith('"""Check an exported')
    assert "in force" in run(group, ["rotate-key"]).output
    assert "0 entries would move" in run(group, ["archive", "--dry-run"]).output
    with app.app_context(), unit_of_work() as session:
        session.execute(sa.text("UPDATE audit_entry SET actor_ip = 'x' WHERE number = 2"))
    told = run(group, ["verify"])
    assert (told.exit_code, "entry 2" in told.output) == (1, True)
    assert isinstance(run(group, ["resume", "--reason", "x"]).exception, StError)
