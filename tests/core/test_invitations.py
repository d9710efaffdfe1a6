"""Invitations, links to a new password, and registration: each once, none above its maker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from st_core.db import db, unit_of_work
from st_core.models import Event, Level, OneTimeLink, User
from tests.core.browsers import PASSWORD, Browser, make_person

NEW = {"username": "nina", "password": PASSWORD}
ACCEPT, RESET = "/api/auth/invitations/accept", "/api/auth/password-reset"
REGISTER, SETTINGS = "/api/auth/register", "/api/cloud/settings/registration"
MYSELF = {"username": "nina", "email": "nina@example.org", "password": PASSWORD}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with an admin, a researcher, and somebody who manages users without being admin."""
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    make_person(app, "researcher", "rita")
    make_person(app, "lead", "hugo")
    with app.app_context(), unit_of_work():
        desk = Level(name="helpdesk", priority=25, permissions=["admin.users"])
        hugo = db.session.query(User).filter_by(username="hugo").one()
        hugo.levels.append(desk)
    return app


def signed_in(app: Flask, name: str) -> Browser:
    browser = Browser(app)
    assert browser.sign_in(name).status_code == 200
    return browser


def id_of(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.query(User).filter_by(username=name).one().id


def deactivate(app: Flask, name: str) -> None:
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username=name).one().is_active = False


def become(app: Flask, name: str, level: str) -> None:
    with app.app_context(), unit_of_work():
        user = db.session.query(User).filter_by(username=name).one()
        user.levels = [db.session.query(Level).filter_by(name=level).one()]


def invited(browser: Browser, **body: Any) -> Any:
    return browser.post("/api/users/invitations", {"email": "nina@example.org"} | body)


# ── invitations ───────────────────────────────────────────────────────────────────────────────────


def test_an_invitation_becomes_an_account_with_its_levels_once(app: Flask) -> None:
    ada = signed_in(app, "ada")
    made = invited(ada, level_names=["lead"])
    assert made.status_code == 201
    assert made.json["url"] == f"http://localhost/invitation#{made.json['token']}"
    (waiting,) = ada.get("/api/users/invitations").json["invitations"]
    assert (waiting["email"], waiting["level_names"]) == ("nina@example.org", ["lead"])
    browser = Browser(app).visit()
    shown = browser.post("/api/auth/links/show", {"token": made.json["token"]}).json
    assert (shown["purpose"], shown["email"]) == ("invitation", "nina@example.org")
    body = NEW | {"token": made.json["token"]}
    assert browser.post(ACCEPT, body).json["user"]["levels"][0]["name"] == "lead"
    assert browser.get("/api/auth/me").json["email"] == "nina@example.org"
    again = Browser(app).visit().post(ACCEPT, body | {"username": "eve"})
    assert (again.status_code, again.json["code"]) == (404, "link_not_valid")
    assert ada.get("/api/users/invitations").json["invitations"] == []


def test_two_that_accept_at_one_moment_make_one_account(app: Flask, database: object) -> None:
    token = invited(signed_in(app, "ada")).json["token"]
    browsers = [Browser(app).visit() for _ in range(4)]
    bodies = [NEW | {"username": f"nina{n}", "token": token} for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one, body: one.post(ACCEPT, body), browsers, bodies))
    assert sorted(each.status_code for each in answers) == [200, 404, 404, 404]


def test_a_name_that_is_taken_leaves_the_invitation_open(app: Flask) -> None:
    token = invited(signed_in(app, "ada")).json["token"]
    browser = Browser(app).visit()
    taken = browser.post(ACCEPT, NEW | {"username": "Rita", "token": token})
    assert (taken.status_code, taken.json["code"]) == (400, "duplicate")
    assert browser.post(ACCEPT, NEW | {"token": token}).status_code == 200


def test_an_invitation_expires_and_can_be_withdrawn(app: Flask, clock: Any) -> None:
    ada = signed_in(app, "ada")
    first, second = invited(ada).json, invited(ada, expires_hours=1).json
    assert ada.delete(f"/api/users/invitations/{first['id']}").status_code == 200
    assert ada.delete(f"/api/users/invitations/{first['id']}").status_code == 404
    clock.advance(hours=2)
    for each in (first, second):
        answer = Browser(app).visit().post(ACCEPT, NEW | {"token": each["token"]})
        assert answer.json["code"] == "link_not_valid"


def test_tokens_are_in_no_row_and_no_event(app: Flask) -> None:
    ada = signed_in(app, "ada")
    tokens = [invited(ada).json["token"]]
    tokens.append(ada.post(f"/api/users/{id_of(app, 'rita')}/password-reset").json["token"])
    with app.app_context():
        rows = [*db.session.query(OneTimeLink), *db.session.query(Event)]
        stored = "|".join(str(vars(row)) for row in rows)
    assert [token for token in tokens if token in stored] == []


def test_who_is_no_admin_invites_no_admin(app: Flask) -> None:
    hugo = signed_in(app, "hugo")
    answer = invited(hugo, level_names=["admin"])
    assert (answer.status_code, answer.json["code"]) == (403, "administrator_protected")
    assert invited(hugo, level_names=["researcher"]).status_code == 201
    assert invited(signed_in(app, "rita")).status_code == 403
    assert invited(hugo, level_names=["no such"]).status_code == 400
    assert invited(hugo, email="rita@example.org").status_code == 400


@pytest.mark.parametrize("loss", ["deactivated", "demoted"])
def test_an_invitation_ends_with_the_rights_of_its_maker(app: Flask, loss: str) -> None:
    make_person(app, "admin", "eve")
    token = invited(signed_in(app, "eve"), level_names=["admin"]).json["token"]
    if loss == "deactivated":
        deactivate(app, "eve")
    else:
        become(app, "eve", "viewer")
    answer = Browser(app).visit().post(ACCEPT, NEW | {"token": token})
    assert answer.json["code"] == "link_not_valid"


# ── links to a new password ───────────────────────────────────────────────────────────────────────


def test_a_reset_link_sets_a_password_once_and_ends_every_session(app: Flask) -> None:
    rita, ada = signed_in(app, "rita"), signed_in(app, "ada")
    made = ada.post(f"/api/users/{id_of(app, 'rita')}/password-reset")
    assert made.status_code == 201
    assert made.json["url"].startswith("http://localhost/reset-password#")
    token = made.json["token"]
    browser = Browser(app).visit()
    assert browser.post("/api/auth/links/show", {"token": token}).json["username"] == "rita"
    body = {"token": token, "new_password": "a new one, much better"}
    assert browser.post(RESET, body).json == {"success": True}
    assert browser.get("/api/auth/check").json["authenticated"] is False
    assert rita.get("/api/auth/me").status_code == 401
    assert Browser(app).sign_in("rita", "a new one, much better").status_code == 200
    assert browser.post(RESET, body).json["code"] == "link_not_valid"
    with app.app_context():
        (event,) = db.session.query(Event).filter_by(name="auth.password_reset")
        assert event.actor_name == "rita"


def test_a_newer_link_and_a_changed_password_end_the_older_link(app: Flask) -> None:
    ada, path = signed_in(app, "ada"), f"/api/users/{id_of(app, 'rita')}/password-reset"
    old, new = (ada.post(path).json["token"] for _ in range(2))
    browser = Browser(app).visit()
    body = {"new_password": "a new one, much better"}
    assert browser.post(RESET, body | {"token": old}).status_code == 404
    signed_in(app, "rita").post(
        "/api/auth/change-password",
        {"current_password": PASSWORD, "new_password": "my own choice"},
    )
    assert browser.post(RESET, body | {"token": new}).status_code == 404


def test_who_is_no_admin_resets_no_admins_password(app: Flask) -> None:
    hugo = signed_in(app, "hugo")
    path = "/api/users/{}/password-reset"
    assert hugo.post(path.format(id_of(app, "ada"))).status_code == 403
    made = hugo.post(path.format(id_of(app, "rita")))
    assert made.status_code == 201
    become(app, "rita", "admin")
    body = {"token": made.json["token"], "new_password": "taken over by hugo"}
    assert Browser(app).visit().post(RESET, body).status_code == 404
    assert Browser(app).sign_in("rita").status_code == 200


def test_a_deactivated_account_gets_no_password_by_link(app: Flask) -> None:
    ada = signed_in(app, "ada")
    token = ada.post(f"/api/users/{id_of(app, 'rita')}/password-reset").json["token"]
    deactivate(app, "rita")
    body = {"token": token, "new_password": "a new one, much better"}
    assert Browser(app).visit().post(RESET, body).status_code == 404


def test_an_invitation_is_no_link_to_a_password_nor_the_other_way(app: Flask) -> None:
    ada = signed_in(app, "ada")
    invitation = invited(ada).json["token"]
    reset = ada.post(f"/api/users/{id_of(app, 'rita')}/password-reset").json["token"]
    browser = Browser(app).visit()
    body = {"token": invitation, "new_password": "a new one, much better"}
    assert browser.post(RESET, body).status_code == 404
    assert browser.post(ACCEPT, NEW | {"token": reset}).status_code == 404


# ── registration ──────────────────────────────────────────────────────────────────────────────────


def test_registration_is_off_until_an_admin_switches_it_on(app: Flask) -> None:
    ada, browser = signed_in(app, "ada"), Browser(app).visit()
    refused = browser.post(REGISTER, MYSELF)
    assert (refused.status_code, refused.json["code"]) == (403, "registration_disabled")
    assert ada.get(SETTINGS).json["enabled"] is False
    changed = ada.open(SETTINGS, "PUT", {"enabled": True, "default_level": "viewer"}).json
    assert (changed["enabled"], changed["default_level"]) == (True, "viewer")
    assert browser.get("/api/auth/setup/status").json["registration_enabled"] is True
    answer = browser.post(REGISTER, MYSELF)
    assert [each["name"] for each in answer.json["user"]["levels"]] == ["viewer"]
    assert browser.get("/api/auth/me").status_code == 200
    taken = Browser(app).visit().post(REGISTER, MYSELF | {"username": "NINA"})
    assert (taken.status_code, taken.json["code"]) == (400, "duplicate")


@pytest.mark.parametrize("name", ["rita", "hugo", None])
def test_only_who_configures_the_server_sets_registration(app: Flask, name: str | None) -> None:
    browser = signed_in(app, name) if name else Browser(app).visit()
    answer = browser.open(SETTINGS, "PUT", {"enabled": True, "default_level": "admin"})
    assert answer.status_code == (403 if name else 401)
    assert browser.get(SETTINGS).status_code == (403 if name else 401)


def test_nobody_can_make_themselves_an_administrator(app: Flask) -> None:
    ada = signed_in(app, "ada")
    with app.app_context(), unit_of_work():
        db.session.add(Level(name="boss", priority=90, permissions=["*"]))
        db.session.add(Level(name="half", priority=5, permissions=["admin.levels"]))
    for level in ("admin", "boss", "half", "helpdesk"):
        answer = ada.open(SETTINGS, "PUT", {"enabled": True, "default_level": level})
        assert (answer.status_code, answer.json["code"]) == (400, "level_too_high")
    by_settings = {"settings": {"registration.default_level": "admin"}}
    assert ada.open("/api/settings", "PATCH", by_settings).status_code == 422
    assert ada.open(SETTINGS, "PUT", {"default_level": "no such"}).status_code == 400
    assert Browser(app).visit().post(REGISTER, MYSELF).status_code == 403


def test_a_level_that_becomes_powerful_later_registers_nobody(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        db.session.add(Level(name="guest", priority=5, permissions=["job.view.own"]))
    ada = signed_in(app, "ada")
    ada.open(SETTINGS, "PUT", {"enabled": True, "default_level": "guest"})
    with app.app_context(), unit_of_work():
        db.session.query(Level).filter_by(name="guest").one().permissions = ["*"]
    assert Browser(app).visit().post(REGISTER, MYSELF).status_code == 400


def test_an_address_registers_at_most_five_times_a_minute(app: Flask) -> None:
    signed_in(app, "ada").open(SETTINGS, "PUT", {"enabled": True})
    browser = Browser(app, "198.51.100.1").visit()
    body = MYSELF | {"username": "Rita"}
    answers = [browser.post(REGISTER, body).status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]
    assert Browser(app, "198.51.100.2").visit().post(REGISTER, MYSELF).status_code == 200
