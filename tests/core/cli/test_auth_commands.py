"""`simpletuner auth …` against a real server, and `flask st users reset-admin` beside it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from st_core.cli import st
from st_core.db import db, unit_of_work
from st_core.models import Event, User
from st_core.services import account_changes, level_grants, overrides, passwords
from st_core.testing import people
from st_core.testing.server import ServerProcess

from .conftest import Ended

Run = Callable[..., Ended]
Run = Callable[..., Ended]
SECRET = "canary of the command line 31415"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(running: ServerProcess) -> str:
    """An API key of the local owner, who becomes the first administrator."""
    with running.client() as client:
        made = client.post("/api/auth/api-keys", json={"name": "for the tests"})
    return str(made.json()["key"])


@pytest.fixture
def auth(run: Run, key: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `simpletuner auth …` as an administrator, with `stdin` for what is asked."""

    def call(*words: str, stdin: str = "") -> Ended:
        monkeypatch.setenv("SIMPLETUNER_API_KEY", key)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        return run("auth", *words)

    return call


@pytest.fixture
def person(auth: Run, request: pytest.FixtureRequest) -> str:
    """The number of an account of the test's own."""
    name = request.node.name.removeprefix("test_")[:40]
    made = auth(
        "users", "create", "--username", name, "--email", f"{name}@example.org", "-f", "json"
    )
    assert made.code == 0, made.err
    return str(made.json["id"])


def test_the_first_administrator_is_made_with_a_password_that_is_no_argument(auth: Run) -> None:
    before = auth("status", "-f", "json").json
    assert (before["needs_setup"], before["authenticated"]) == (True, True)
    words = ("setup", "-e", "root@example.org", "-u", "root", "-d", "Root", "-p")
    assert auth(*words).code == 2
    made = auth(*words, stdin=f"{SECRET}\n")
    assert made.code == 0, made.err
    assert SECRET not in made.out + made.err
    after = auth("status", "-f", "json").json
    assert (after["needs_setup"], after["username"], after["user_count"]) == (False, "root", 1)
    assert auth(*words, stdin=f"{SECRET}\n").code == 8


def test_a_password_after_the_flag_is_refused(auth: Run) -> None:
    words = ("--username", "loud", "--email", "loud@example.org", "--password", SECRET)
    ended = auth("users", "create", *words)
    assert ended.code == 2
    assert "unexpected extra argument" in ended.err


def test_an_account_is_made_shown_changed_and_deleted(auth: Run) -> None:
    words = ("--username", "ann", "--email", "ann@example.org", "--levels", "viewer, lead")
    made = auth("users", "create", *words, "-p", "-f", "json", stdin=f"{SECRET}\n")
    assert made.code == 0, made.err
    user = made.json
    assert sorted(level["name"] for level in user["levels"]) == ["lead", "viewer"]
    number = str(user["id"])
    changed = auth("users", "update", number, "--display-name", "Ann A.", "--inactive")
    assert changed.code == 0, changed.err
    assert "ann" not in auth("users", "list", "-o", "username").out.split()
    assert "ann" in auth("users", "list", "--include-inactive", "-o", "username").out.split()
    assert auth("users", "activate", number).code == 0
    assert auth("users", "get", number, "-o", "display_name,is_active").out.splitlines()
    assert auth("users", "get", number, "-f", "json").json["display_name"] == "Ann A."
    assert auth("users", "deactivate", number).code == 0
    assert auth("users", "delete", number).code == 2
    assert auth("users", "delete", number, "--force").code == 0
    assert auth("users", "get", number).code == 3


def test_ones_own_account_is_shown_and_not_deleted(auth: Run) -> None:
    me = auth("users", "me", "-f", "json").json
    assert me["permissions"] == ["*"]
    ended = auth("users", "delete", str(me["id"]), "--force")
    assert (ended.code, "yourself" in ended.err) == (1, True)


def test_levels_are_kept(auth: Run, person: str) -> None:
    words = ("--name", "ops", "--priority", "15", "--permissions", "queue.view,job.view.all")
    made = auth("users", "levels", "create", *words, "-f", "json")
    assert made.code == 0, made.err
    number = str(made.json["id"])
    assert auth("users", "levels", "update", number, "--priority", "16").code == 0
    rows = auth("users", "levels", "list", "-o", "name,priority").out.splitlines()
    assert rows == ["viewer\t10", "ops\t16", "researcher\t20", "lead\t30", "admin\t100"]
    assert auth("users", "assign-level", person, "ops").code == 0
    assert auth("users", "assign-level", person, "ops").code == 0
    assert auth("users", "remove-level", person, "researcher").code == 0
    found = auth("users", "get", person, "-f", "json").json
    assert [level["name"] for level in found["levels"]] == ["ops"]
    assert auth("users", "levels", "delete", number, "-f").code == 0
    assert auth("users", "levels", "update", "1", "--name", "guest").code == 1


def test_single_permissions_are_granted_denied_and_left_to_the_levels(
    auth: Run, person: str
) -> None:
    assert "admin.approve" in auth("users", "permissions", "-o", "name").out.split()
    assert auth("users", "set-permission", person, "admin.approve").code == 0
    assert auth("users", "set-permission", person, "job.submit", "--denied").code == 0
    held = auth("users", "get", person, "-f", "json").json["permissions"]
    assert ("admin.approve" in held, "job.submit" in held) == (True, False)
    assert auth("users", "remove-permission", person, "job.submit").code == 0
    assert auth("users", "remove-permission", person, "job.submit").code == 3
    assert auth("users", "set-permission", person, "job.sumbit").code == 1


def test_credentials_are_kept_without_their_value_being_an_argument(auth: Run, person: str) -> None:
    words = ("set-credential", person, "--provider", "replicate", "--name", "api_token")
    assert auth("users", *words).code == 2
    stored = auth("users", *words, stdin=f"{SECRET}\n")
    assert stored.code == 0, stored.err
    listed = auth("users", "credentials", person, "-f", "json")
    assert SECRET not in listed.out
    assert listed.json["credentials"][0]["credential_name"] == "api_token"
    assert auth("users", "stale-credentials", person).out == ""
    assert auth("users", "check-stale-credentials", "-f", "json").json["users"] == []
    retired = auth("users", "rotate-credentials", person, "--reason", "test", "-f", "json").json
    assert retired["rotated_count"] == 1
    share = ("set-shared-credential", "--provider", "replicate", "--name", "api_token")
    assert auth("users", *share, stdin=f"{SECRET}\n").code == 0
    shared = auth("users", "shared-credentials", "-f", "json").json["credentials"]
    assert shared[0]["credential_name"] == "api_token"
    assert auth("users", "rotate-shared-credentials", "--reason", "test").code == 0
    assert auth("users", "delete-shared-credential", "replicate", "api_token").code == 0
    assert auth("users", "delete-credential", person, "replicate", "api_token").code == 0
    assert auth("users", "delete-credential", person, "replicate", "api_token").code == 3


def test_a_service_account_is_given_a_key_that_works_until_it_is_revoked(
    auth: Run, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = auth("users", "create", "--username", "airflow", "--service", "-f", "json")
    assert made.code == 0, made.err
    number = str(made.json["id"])
    words = ("dags", "--user-id", number, "--scopes", "job.submit,job.view.own")
    minted = auth("api-keys", "create", *words)
    assert minted.code == 0, minted.err
    monkeypatch.setenv("SIMPLETUNER_API_KEY", minted.out.strip())
    assert run("auth", "users", "me", "-f", "json").json["permissions"] == [
        "job.submit",
        "job.view.own",
    ]
    rows = auth("api-keys", "list", "--user-id", number, "-f", "json").json["api_keys"]
    assert auth("api-keys", "revoke", str(rows[0]["id"])).code == 0
    monkeypatch.setenv("SIMPLETUNER_API_KEY", minted.out.strip())
    assert run("auth", "users", "me").code == 4


def test_everybody_is_told_whether_people_sign_in(auth: Run) -> None:
    assert auth("users", "auth-status", "-f", "json").json["has_external_providers"] is False


# ── flask st users reset-admin ────────────────────────────────────────────────────────────────────


@pytest.fixture
def app(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app on the database that `flask st` finds through the environment."""
    app = make_app()
    monkeypatch.setenv("SIMPLETUNER_DATABASE_URL", app.config["SQLALCHEMY_DATABASE_URI"])
    return app


@pytest.fixture
def reset_admin() -> Callable[..., Result]:
    """Run `flask st users reset-admin`, with `stdin` for what is asked."""

    def call(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(st, ["users", "reset-admin", *words], input=stdin)

    return call


def locked_out(app: Flask) -> int:
    """Insert an administrator who was deactivated, demoted and denied everything that matters."""
    number = people.make_user(app, "admin", "ann")
    helper = people.viewer_of(app, people.make_user(app, "admin", "helper"))
    with app.app_context():
        overrides.put(helper, number, "admin.users", False)
        level_grants.remove(helper, number, "admin")
        account_changes.set_active(helper, number, False)
    return number


def test_who_is_locked_out_gets_a_link_and_every_right_back(
    database: Any, app: Flask, reset_admin: Callable[..., Result]
) -> None:
    number = locked_out(app)
    ended = reset_admin("ann")
    assert ended.exit_code == 0, ended.output
    assert "it holds once, for an hour" in ended.stderr
    for done in ("activated", "level admin was given", "what was denied is allowed: admin.users"):
        assert done in ended.stderr
    link, _, token = ended.stdout.strip().partition("#")
    assert link == "http://127.0.0.1:8080/reset-password"
    assert people.viewer_of(app, number).may("*")
    with app.app_context():
        assert db.session.get_one(User, number).is_active
        told = set(db.session.scalars(select(Event.name).where(Event.door == "cli")))
        assert told >= {"user.updated", "admin.role_changed", "user.permission_changed"}
    body = {"token": token, "new_password": SECRET}
    assert app.test_client().post("/api/auth/password-reset", json=body).status_code == 200
    with app.app_context():
        assert passwords.verify(db.session.get_one(User, number).password_hash, SECRET)


def test_a_password_is_set_from_the_prompt_and_never_shown(
    app: Flask, reset_admin: Callable[..., Result]
) -> None:
    number = people.make_user(app, "admin", "ann")
    ended = reset_admin("-p", stdin=f"{SECRET}\n")
    assert ended.exit_code == 0, ended.output
    assert SECRET not in ended.output
    assert "every session has ended" in ended.stderr
    assert "Sign in at http://127.0.0.1:8080/login" in ended.stderr
    assert ended.stdout == "" or "#" not in ended.stdout
    with app.app_context():
        stored = db.session.get_one(User, number).password_hash
        assert passwords.verify(stored, SECRET)


def test_a_lost_second_factor_is_forgotten_only_when_asked(
    app: Flask, reset_admin: Callable[..., Result]
) -> None:
    number = people.make_user(app, "admin", "ann")
    with app.app_context(), unit_of_work():
        db.session.get_one(User, number).totp_secret = "sealed"
    kept = reset_admin("ann", "--url", "https://train.example.org/")
    assert "a code is still asked for" in kept.stderr
    assert kept.stdout.startswith("https://train.example.org/reset-password#")
    with app.app_context():
        assert db.session.get_one(User, number).totp_secret is not None
    reset_admin("ann", "--forget-second-factor")
    with app.app_context():
        assert db.session.get_one(User, number).totp_secret is None


def test_the_one_who_is_meant_must_be_named_and_have_a_password_here(
    app: Flask, reset_admin: Callable[..., Result]
) -> None:
    assert "setup-code" in reset_admin().stderr
    for name in ("ann", "bob"):
        people.make_user(app, "admin", name)
    assert "ann, bob" in reset_admin().stderr
    assert "no account" in reset_admin("carol").stderr
    with app.app_context(), unit_of_work():
        db.session.scalars(select(User).where(User.username == "bob")).one().auth_provider = "oidc"
    ended = reset_admin("bob")
    assert ended.exit_code == 2
    assert "oidc" in ended.stderr
