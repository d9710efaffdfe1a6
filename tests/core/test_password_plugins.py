"""Passwords that plugins check: who is asked, in which order, and what never leaves the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.app import create_app
from st_core.db import db, unit_of_work
from st_core.errors import PluginError
from st_core.models import AuthProvider, Event, ExternalIdentity, User
from tests.core.browsers import PASSWORD, Browser, make_person

DIRECTORY = """
'A directory that writes down what it is asked.'
import json, pathlib
from st_core import hookimpl
from st_core.contracts import ExternalPerson, Rejected, SignedIn

NAME = {name!r}
PEOPLE = {people!r}

@hookimpl{marks}
def st_check_password(username, password, attempt):
    if attempt.provider not in (None, NAME):
        return None
    with pathlib.Path("asked.jsonl").open("a") as asked:
        asked.write(json.dumps([NAME, username, password, attempt.provider]) + chr(10))
    if username == "broken":
        raise RuntimeError("the directory is on fire")
    if username == "offline":
        return Rejected(NAME, "timeout", unavailable=True)
    if username not in PEOPLE:
        return None
    if password != PEOPLE[username]:
        return Rejected(NAME, "wrong password in the directory")
    return SignedIn(NAME, ExternalPerson("ldap://" + NAME, "id-" + username, username))
"""


@pytest.fixture
def install(install_plugin: Callable[..., Path]) -> Callable[..., None]:
    """Install directories: `install("north", {"nora": "secret"})`."""

    def write(name: str, people: dict[str, str], marks: str = "") -> None:
        install_plugin(name, DIRECTORY.format(name=name, people=people, marks=marks))

    return write


@pytest.fixture
def app(make_app: Callable[..., Flask], install: Callable[..., None]) -> Flask:
    """A server with two directories, and an admin of its own whose name one of them has as well."""
    install("north", {"nora": "north-password", "ada": "ada-in-north"})
    install("south", {"sam": "south-password", "nora": "nora-in-south"})
    app = make_app(plugins=["zoo", "north", "south"])
    make_person(app, "admin", "ada")
    with app.app_context(), unit_of_work():
        for name in ("north", "south"):
            record = AuthProvider(name=name, kind="ldap", default_levels=["researcher"])
            db.session.add(record)
    return app


def asked() -> list[list[Any]]:
    """Return what the directories were asked since the last call."""
    path = Path("asked.jsonl")
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def reasons(app: Flask) -> list[str]:
    with app.app_context():
        failures = db.session.query(Event).filter_by(name="auth.login_failure").order_by(Event.id)
        return [event.data["reason"] for event in failures]


def test_the_password_of_an_account_of_ours_never_reaches_a_directory(app: Flask) -> None:
    assert Browser(app).sign_in("ada", PASSWORD).status_code == 200
    assert Browser(app).sign_in("ada", "ada-in-north").status_code == 401
    assert Browser(app).sign_in("ada@example.org", "wrong").status_code == 401
    assert asked() == []


def test_an_unknown_name_goes_down_the_list_until_one_answers(app: Flask) -> None:
    answer = Browser(app).sign_in("sam", "south-password")
    assert answer.json["user"]["auth_provider"] == "ldap"
    assert [each[0] for each in asked()] == ["north", "south"]
    assert Browser(app).sign_in("nobody", "anything").status_code == 401
    assert [each[0] for each in asked()] == ["north", "south"]


def test_the_first_that_knows_a_name_decides(app: Flask) -> None:
    assert Browser(app).sign_in("nora", "nora-in-south").status_code == 401
    assert [each[0] for each in asked()] == ["north"]
    assert reasons(app) == ["wrong password in the directory"]


def test_an_account_of_a_directory_is_asked_there_alone(app: Flask) -> None:
    Browser(app).sign_in("sam", "south-password")
    asked()
    assert Browser(app).sign_in("sam", "south-password").status_code == 200
    assert asked() == [["south", "sam", "south-password", "south"]]


def test_somebody_may_choose_the_directory(app: Flask) -> None:
    answer = Browser(app).sign_in("nora", "nora-in-south", provider="south")
    assert answer.status_code == 200
    assert [each[0] for each in asked()] == ["south"]
    with app.app_context():
        (identity,) = db.session.query(ExternalIdentity)
        assert (identity.issuer, identity.subject) == ("ldap://south", "id-nora")


def test_a_directory_never_opens_an_account_of_ours_with_the_same_name(app: Flask) -> None:
    answer = Browser(app).sign_in("ada", "ada-in-north", provider="north")
    assert answer.status_code == 200
    assert answer.json["user"]["username"] != "ada"
    assert answer.json["user"]["is_admin"] is False
    asked()
    assert Browser(app).sign_in("ada", PASSWORD, provider="local").status_code == 200
    assert asked() == []


@pytest.mark.parametrize("name", ["broken", "offline"])
def test_a_directory_in_trouble_lets_nobody_in_and_shows_no_password(
    app: Flask, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    answer = Browser(app).sign_in(name, "top-secret-password")
    assert (answer.status_code, answer.json["detail"]) == (401, "Invalid username or password")
    assert "top-secret-password" not in caplog.text
    assert Browser(app).sign_in("ada").status_code == 200


def test_a_directory_that_was_switched_off_lets_nobody_in(app: Flask) -> None:
    Browser(app).sign_in("sam", "south-password")
    with app.app_context(), unit_of_work():
        db.session.query(AuthProvider).filter_by(name="south").one().enabled = False
    assert Browser(app).sign_in("sam", "south-password").status_code == 401


def test_a_deactivated_account_of_a_directory_stays_out(app: Flask) -> None:
    Browser(app).sign_in("sam", "south-password")
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username="sam").one().is_active = False
    assert Browser(app).sign_in("sam", "south-password").status_code == 401


def test_an_account_of_a_directory_confirms_with_its_password_there(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("sam", "south-password")
    path = "/api/auth/confirm"
    assert browser.post(path, {"password": "wrong"}).status_code == 401
    assert browser.post(path, {"password": "south-password"}).status_code == 200


@pytest.mark.parametrize("marks", ["(tryfirst=True)", "(trylast=True)", "(wrapper=True)"])
def test_no_plugin_pushes_in_before_or_around_the_others(
    state_dir: Path, install: Callable[..., None], marks: str
) -> None:
    install("pushy", {}, marks)
    with pytest.raises(PluginError) as refused:
        create_app({"plugins.enabled": ["pushy"], "database.url": "sqlite://"})
    assert "pushy" in refused.value.detail
