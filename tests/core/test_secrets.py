"""Stored secrets: sealed for one place, under a key that is made once and can be replaced."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select, update

from st_core import secrets
from st_core.cli import st
from st_core.db import db, unit_of_work
from st_core.errors import ConfigError
from st_core.keyring import Key, Keyring
from st_core.models import AuthProvider, Event, StoredSetting, User
from st_core.services import sealed_values, settings

DECLARES = """
from st_core import hookimpl
from st_core.contracts import Setting


@hookimpl
def st_settings():
    return [Setting("safe.word", str | None, None, "A secret.", secret=True, editable=True)]
"""
CANARY = "canary-7b1e5d"


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("safe", DECLARES)
    return make_app(plugins=["safe"])


@pytest.fixture
def kept(app: Flask, viewer: Callable[..., Any]) -> dict[str, str]:
    """One secret in each kind of column; purpose → text."""
    admin = viewer("admin")
    with app.app_context():
        settings.change(admin, {"safe.word": CANARY})
        with unit_of_work():
            purpose = secrets.place(User.totp_secret, id=admin.user_id)
            user = db.session.get_one(User, admin.user_id)
            user.totp_secret = secrets.seal("a key", purpose)
            sealed = secrets.seal("a password", "sign-in provider ad: bind_password")
            db.session.add(
                AuthProvider(name="ad", kind="ldap", config={"bind_password": {"sealed": sealed}})
            )
    return {
        "setting safe.word": CANARY,
        purpose: "a key",
        "sign-in provider ad: bind_password": "a password",
    }


def opened(app: Flask) -> dict[str, str]:
    with app.app_context():
        pairs = [pair for cell in sealed_values.cells() for pair in cell.values]
        return {purpose: secrets.unseal(sealed, purpose) for purpose, sealed in pairs}


def key_ids(app: Flask) -> set[str]:
    with app.app_context():
        pairs = [pair for cell in sealed_values.cells() for pair in cell.values]
        return {secrets.key_of(sealed) for _, sealed in pairs}


def test_what_is_sealed_opens_again_and_two_seals_of_one_text_differ(app: Flask) -> None:
    with app.app_context():
        one, other = secrets.seal("straße", "here"), secrets.seal("straße", "here")
        assert one != other
        assert secrets.unseal(one, "here") == secrets.unseal(other, "here") == "straße"
        assert "stra" not in one


def test_a_sealed_value_does_not_open_in_another_place(app: Flask) -> None:
    with app.app_context():
        sealed = secrets.seal("x", "totp:1")
        with pytest.raises(secrets.SecretLost, match=r"'totp:2' is damaged, or was moved"):
            secrets.unseal(sealed, "totp:2")


def test_no_change_of_a_sealed_value_is_taken_and_none_makes_a_traceback(app: Flask) -> None:
    with app.app_context():
        sealed = secrets.seal("x", "here")
        wrong = [
            sealed[:n] + ("A" if c != "A" else "B") + sealed[n + 1 :] for n, c in enumerate(sealed)
        ]
        wrong += [sealed[:n] for n in range(len(sealed) - 2)] + ["", "st1..", "plain", "st1.x.é"]
        for each in wrong:
            with pytest.raises(secrets.SecretLost):
                secrets.unseal(each, "here")


def test_the_key_is_made_when_first_needed_and_only_the_server_reads_it(
    app: Flask, state_dir: Path
) -> None:
    path = state_dir / "secret.key"
    assert not path.exists()
    with app.app_context():
        secrets.seal("x", "here")
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
        os.utime(path, (1, 1))
        secrets.seal("x", "here")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in state_dir.glob(".secret*")] == []


def test_many_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from st_core.keyring import Keyring;"
        "sys.stdin.readline(); print(Keyring(Path(sys.argv[1])).sealing().id)"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    ids = set()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    ids = {racer.communicate()[0].strip() for racer in racers}
    assert ids == {Keyring(tmp_path).sealing().id}


def test_a_fingerprint_tells_secrets_apart_and_needs_the_key(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        one = secrets.fingerprint("one")
        assert (len(one), one) == (8, secrets.fingerprint("one"))
        assert one != secrets.fingerprint("two")
        secrets.keyring().add()
        assert one != secrets.fingerprint("one")


def test_a_secret_setting_is_stored_sealed_and_shown_as_set(
    app: Flask, kept: dict[str, str], as_user: Callable[..., Any]
) -> None:
    with app.app_context():
        assert settings.value("safe.word") == CANARY
        stored = db.session.scalar(
            select(StoredSetting.value).where(StoredSetting.key == "safe.word")
        )
        assert list(stored) == ["sealed"]
        told = db.session.scalars(select(Event)).all()
        assert CANARY not in str([(each.before, each.after, each.message) for each in told])
        print_of_it = secrets.fingerprint(CANARY)
    answer = as_user("admin").get("/api/settings")
    (row,) = [row for row in answer.json["settings"] if row["key"] == "safe.word"]
    assert (row["value"], row["is_set"], row["fingerprint"]) == (None, True, print_of_it)
    assert row["editable"]
    assert CANARY not in answer.text


def test_the_page_of_settings_takes_a_secret_and_shows_only_its_fingerprint(
    app: Flask, kept: dict[str, str], as_user: Callable[..., Any]
) -> None:
    page = as_user("admin").get("/admin/settings").text
    (field,) = re.findall(r"<input[^>]*name=.safe\.word.[^>]*>", page)
    assert 'type="password"' in field
    assert 'value=""' in field
    with app.app_context():
        assert secrets.fingerprint(CANARY) in field
    assert CANARY not in page


def test_a_secret_setting_is_taken_away_by_null(
    app: Flask, kept: dict[str, str], viewer: Callable[..., Any]
) -> None:
    with app.app_context():
        settings.change(viewer("admin"), {"safe.word": None})
        (row,) = [row for row in settings.describe() if row["key"] == "safe.word"]
    assert (row["is_set"], row["fingerprint"]) == (False, None)


def test_rotation_seals_everything_anew_and_the_last_key_stays_until_the_next(
    app: Flask, kept: dict[str, str], state_dir: Path
) -> None:
    first = key_ids(app)
    with app.app_context():
        assert sealed_values.rotate().opened == len(kept)
    second = key_ids(app)
    assert second.isdisjoint(first)
    assert opened(app) == kept
    ring = Keyring(state_dir)
    assert [key.id for key in ring.known()] == [*second, *first]
    with app.app_context():
        sealed_values.rotate()
    assert [key.id for key in ring.known()] == [*key_ids(app), *second]
    assert opened(app) == kept
    with app.app_context():
        sealed_values.rotate(forget=True)
    assert [key.id for key in ring.known()] == [*key_ids(app)]
    assert opened(app) == kept


def test_a_rotation_that_dies_before_its_commit_loses_nothing_and_runs_again(
    app: Flask, kept: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(Exception): ...

    def die(_cell: Any, _content: Any) -> None:
        raise Died

    with monkeypatch.context() as patched, app.app_context():
        patched.setattr(sealed_values, "_store", die)
        with pytest.raises(Died):
            sealed_values.rotate()
    assert opened(app) == kept
    with app.app_context():
        assert sealed_values.rotate().opened == len(kept)
    assert opened(app) == kept


def test_another_process_opens_what_was_rotated_without_a_restart(
    app: Flask, kept: dict[str, str], make_app: Callable[..., Flask], database: Any
) -> None:
    other = make_app(plugins=["safe"], database_url=database.urls[0])
    assert opened(other) == kept
    with app.app_context():
        sealed_values.rotate()
        sealed_values.rotate()
    assert opened(other) == kept


def test_a_lost_key_is_told_at_the_start_and_the_server_runs(
    app: Flask,
    kept: dict[str, str],
    make_app: Callable[..., Flask],
    database: Any,
    state_dir: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (state_dir / "secret.key").unlink()
    again = make_app(plugins=["safe"], database_url=database.urls[0])
    told = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert any("3 stored secrets cannot be read" in each for each in told)
    assert any("setting safe.word" in each and "secret.key" in each for each in told)
    assert all(each.exc_info is None for each in caplog.records)
    assert again.test_client().get("/health").status_code == 200
    with again.app_context():
        assert settings.value("safe.word") is None


def test_a_lost_key_keeps_every_old_key_at_rotation(app: Flask, kept: dict[str, str]) -> None:
    with app.app_context():
        with unit_of_work():
            db.session.execute(update(User).values(totp_secret=f"st1.{'0' * 8}.AAAA"))
        done = sealed_values.rotate(forget=True)
        assert next(iter(done.lost)).startswith("totp:")
        assert "put" in next(iter(done.lost.values())).lower()
        assert len(done.old_keys) == 1


@pytest.fixture
def flask_st(state_dir: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(st, words, prog_name="flask st")


def test_the_command_line_checks_and_rotates(
    flask_st: Callable[..., Result], state_dir: Path
) -> None:
    assert re.search(r"\d+ stored secrets can be opened", flask_st("secrets", "check").stderr)
    assert "sealed under the new key" in flask_st("secrets", "rotate").stderr
    assert flask_st("secrets", "rotate").exit_code == 0
    (state_dir / "secret.key").write_text("not a key\n")
    ended = flask_st("secrets", "check")
    assert ended.exit_code == 2
    assert "openssl rand -base64 32" in ended.stderr


def test_the_command_line_says_what_is_lost_and_what_to_do(
    app: Flask,
    kept: dict[str, str],
    flask_st: Callable[..., Result],
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIMPLETUNER_DATABASE_URL", app.config["SQLALCHEMY_DATABASE_URI"])
    config = {"plugins": {"enabled": ["safe"]}}
    (state_dir / "simpletuner-enterprise.json").write_text(json.dumps(config))
    (state_dir / "secret.key").unlink()
    ended = flask_st("secrets", "check", "-f", "json")
    assert ended.exit_code == 1
    assert {row["secret"] for row in json.loads(ended.stdout)["lost"]} == set(kept)
    assert "put the key back from the backup" in ended.stderr


def test_a_key_file_with_something_else_is_one_sentence(app: Flask, state_dir: Path) -> None:
    (state_dir / "secret.key").write_text("# no key here\n")
    with app.app_context(), pytest.raises(ConfigError, match=r"openssl rand -base64 32"):
        secrets.seal("x", "here")


def test_keys_of_the_environment_come_first_and_those_of_the_file_still_open(
    app: Flask,
    kept: dict[str, str],
    make_app: Callable[..., Flask],
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new, newer = Key.new(), Key.new()
    monkeypatch.setenv("SIMPLETUNER_CREDENTIAL_KEY", new.text())
    with_one = make_app(plugins=["safe"], database_url=database.urls[0])
    assert opened(with_one) == kept
    with with_one.app_context():
        sealed_values.rotate()
    assert key_ids(with_one) == {new.id}
    monkeypatch.setenv("SIMPLETUNER_CREDENTIAL_KEY", f"{newer.text()},{new.text()}")
    with_two = make_app(plugins=["safe"], database_url=database.urls[0])
    with with_two.app_context():
        sealed_values.rotate()
    assert key_ids(with_two) == {newer.id}
    assert opened(with_two) == kept


def test_a_wrong_key_in_the_environment_stops_the_start_and_is_not_repeated(
    app: Flask, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMPLETUNER_CREDENTIAL_KEY", CANARY)
    with pytest.raises(ConfigError, match="SIMPLETUNER_CREDENTIAL_KEY") as refused:
        make_app(plugins=["safe"])
    assert CANARY not in refused.value.detail
