"""Sign-in: one answer for every failure, cookies nobody else can use, events that tell of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.db import db, unit_of_work
from st_core.models import Event, Session, User
from st_core.services import passwords
from tests.core.browsers import PASSWORD, Browser, make_person


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with an admin and a researcher, both with a password."""
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    make_person(app, "researcher", "rita")
    return app


def events(app: Flask, name: str) -> list[Event]:
    with app.app_context():
        return list(db.session.query(Event).filter_by(name=name).order_by(Event.id))


@pytest.mark.parametrize("name", ["rita", "RITA", "rita@example.org", " Rita@Example.org "])
def test_somebody_signs_in_by_name_or_e_mail(app: Flask, name: str) -> None:
    browser = Browser(app)
    answer = browser.sign_in(name)
    assert answer.status_code == 200
    assert (answer.json["success"], answer.json["user"]["username"]) == (True, "rita")
    me = browser.get("/api/auth/me").json
    assert (me["username"], me["levels"][0]["name"]) == ("rita", "researcher")
    assert browser.get("/api/auth/check").json["via"] == "session"


@pytest.mark.parametrize("level", ["viewer", "researcher", "lead", "admin"])
def test_everybody_signed_in_can_see_who_they_are(app: Flask, level: str) -> None:
    make_person(app, level, "somebody")
    browser = Browser(app)
    browser.sign_in("somebody")
    for path in ("/api/auth/me", "/api/users/me"):
        assert browser.get(path).json["levels"][0]["name"] == level


def test_every_failure_is_told_in_the_same_words(app: Flask) -> None:
    make_person(app, "researcher", "gone")
    make_person(app, "researcher", "outside", password=None)
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username="gone").one().is_active = False
    tried = [("rita", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD)]
    tried += [("outside", PASSWORD), ("rita", PASSWORD + " "), ("rita@", PASSWORD)]
    answers = [Browser(app).sign_in(*each) for each in tried]
    told = {(each.status_code, each.json["code"], each.json["detail"]) for each in answers}
    assert told == {(401, "authentication_error", "Invalid username or password")}
    reasons = [event.data["reason"] for event in events(app, "auth.login_failure")]
    assert reasons == [
        "wrong password",
        "unknown name",
        "the account is inactive",
        "wrong password",
        "wrong password",
        "unknown name",
    ]


def test_an_unknown_name_costs_a_password_hash_too(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    hasher = type(passwords._HASHER)
    real = hasher.verify

    def verify(self: Any, kept: str, given: str) -> bool:
        compared.append(kept)
        return real(self, kept, given)

    monkeypatch.setattr(hasher, "verify", verify)
    Browser(app).sign_in("nobody", "wrong password")
    Browser(app).sign_in("rita", "wrong password")
    assert len(compared) == 2
    parameters = {kept.rsplit("$", 2)[0] for kept in compared}
    assert len(parameters) == 1


def test_what_somebody_typed_as_a_name_is_recorded_only_when_it_is_one(app: Flask) -> None:
    Browser(app).sign_in("hunter2-my-secret", "x")
    Browser(app).sign_in("RITA", "wrong password")
    unknown, known = events(app, "auth.login_failure")
    assert unknown.data["username"] == "hun…"
    assert "hunter2" not in f"{unknown.message}{unknown.subject_id}"
    assert known.data["username"] == "rita"
    assert (known.address, known.actor_name, known.door) == ("203.0.113.7", "anonymous", "page")


def test_a_sign_in_is_an_event_of_the_person_who_signed_in(app: Flask) -> None:
    Browser(app, "198.51.100.4").sign_in("rita")
    (event,) = events(app, "auth.login")
    assert (event.actor_name, event.address) == ("rita", "198.51.100.4")
    assert event.data == {"method": "password"}


def test_a_new_device_is_told_of_but_not_the_first_and_not_a_newer_version(app: Flask) -> None:
    Browser(app, "198.51.100.4", agent="Firefox/140.0").sign_in("rita")
    Browser(app, "198.51.100.99", agent="Firefox/141.2").sign_in("rita")
    assert events(app, "auth.new_device") == []
    Browser(app, "192.0.2.1", agent="Firefox/141.2").sign_in("rita")
    Browser(app, "198.51.100.4", agent="Chrome/150").sign_in("rita")
    told = events(app, "auth.new_device")
    assert [event.data["address"] for event in told] == ["192.0.2.1", "198.51.100.4"]
    assert all(event.actor_name == "rita" for event in told)


@pytest.mark.parametrize(
    ("base", "name", "secure"),
    [
        ("http://localhost", "simpletuner_session", False),
        ("https://localhost", "__Host-simpletuner_session", True),
    ],
)
def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: Flask, base: str, name: str, secure: bool
) -> None:
    browser = Browser(app, base=base)
    answer = browser.sign_in("rita")
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{name}=")]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=86400"} <= parts
    assert ("secure" in parts) is secure
    assert not any(part.startswith("domain") for part in parts)
    assert browser.get("/api/auth/me").status_code == 200


def test_a_browser_is_marked_once_out_of_reach_of_scripts(app: Flask) -> None:
    browser = Browser(app)
    answer = browser.sign_in("rita")
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if "simpletuner_device" in c]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    again = browser.sign_in("rita").headers.getlist("Set-Cookie")
    assert not [c for c in again if "simpletuner_device" in c]


def test_a_cookie_of_plain_http_opens_nothing_on_https(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    browser.base = "https://localhost"
    assert browser.get("/api/auth/me").status_code == 401


def test_being_remembered_lasts_thirty_days(app: Flask, clock: Any) -> None:
    short, long = Browser(app), Browser(app)
    short.sign_in("rita")
    answer = long.sign_in("rita", remember_me=True)
    assert "Max-Age=2592000" in "".join(answer.headers.getlist("Set-Cookie"))
    clock.advance(hours=23, minutes=59)
    assert short.get("/api/auth/me").status_code == 200
    clock.advance(minutes=2)
    assert short.get("/api/auth/me").status_code == 401
    clock.advance(days=28)
    assert long.get("/api/auth/me").status_code == 200
    clock.advance(days=1)
    assert long.get("/api/auth/me").status_code == 401


def test_a_session_is_stored_as_a_hash_only(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    token = browser.cookie("simpletuner_session")
    with app.app_context():
        row = db.session.query(Session).one()
        stored = "|".join(str(getattr(row, column.name)) for column in Session.__table__.columns)
    assert token
    assert token not in stored


def test_signing_in_never_takes_over_a_session_that_was_planted(app: Flask) -> None:
    browser = Browser(app)
    browser.client.set_cookie("simpletuner_session", "planted", domain="localhost")
    browser.sign_in("rita")
    assert browser.cookie("simpletuner_session") != "planted"
    assert browser.get("/api/auth/me").status_code == 200


def test_signing_in_again_ends_the_session_whose_cookie_it_replaces(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    first = browser.cookie("simpletuner_session")
    browser.sign_in("ada")
    with app.app_context():
        assert db.session.query(Session).count() == 1
    browser.client.set_cookie("simpletuner_session", str(first), domain="localhost")
    assert browser.get("/api/auth/me").status_code == 401


def test_an_old_hash_is_renewed_at_sign_in(app: Flask) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username="rita").one().password_hash = old
    assert Browser(app).sign_in("rita").status_code == 200
    with app.app_context():
        renewed = db.session.query(User).filter_by(username="rita").one().password_hash
    assert renewed != old
    assert not passwords.is_old(str(renewed))
    assert Browser(app).sign_in("rita").status_code == 200


def test_a_service_account_does_not_sign_in_with_a_password(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username="rita").one().is_service = True
    assert Browser(app).sign_in("rita").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site", "Origin": ""},
        {"X_CSRF_Token": "guessed"},
    ],
)
def test_a_foreign_page_cannot_sign_its_visitor_in(app: Flask, headers: dict[str, str]) -> None:
    browser = Browser(app).visit()
    answer = browser.post("/api/auth/login", {"username": "rita", "password": PASSWORD}, **headers)
    assert answer.status_code == 403
    assert browser.cookie("simpletuner_session") is None


def test_a_form_of_a_foreign_page_cannot_pass_for_json(app: Flask) -> None:
    browser = Browser(app).visit()
    answer = browser.post("/api/auth/login", {"a": 1}, Content_Type="text/plain")
    assert answer.status_code == 415


def test_a_program_signs_in_with_a_cookie_jar_and_repeats_the_token(app: Flask) -> None:
    client = app.test_client()
    client.post("/api/auth/login", json={"username": "rita", "password": PASSWORD})
    token = client.get_cookie("csrf_token", domain="localhost")
    assert token is not None
    assert client.post("/api/auth/logout").status_code == 403
    headers = {"X-CSRF-Token": token.value}
    assert client.post("/api/auth/logout", headers=headers).json == {"success": True}
    assert client.get("/api/auth/me").status_code == 401


def test_signing_out_ends_the_session_and_takes_the_cookie_back(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    token = browser.cookie("simpletuner_session")
    assert browser.post("/api/auth/logout").json == {"success": True}
    assert browser.cookie("simpletuner_session") is None
    browser.client.set_cookie("simpletuner_session", str(token), domain="localhost")
    assert browser.get("/api/auth/me").status_code == 401
    (event,) = events(app, "auth.logout")
    assert event.actor_name == "rita"


def test_signing_out_without_a_session_is_no_mistake(app: Flask) -> None:
    assert Browser(app).visit().post("/api/auth/logout").json == {"success": True}


# ── changing the password ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/auth/change-password"), ("PUT", "/api/users/me/password")]
)
def test_a_new_password_ends_every_other_session(app: Flask, method: str, path: str) -> None:
    here, there = Browser(app), Browser(app)
    here.sign_in("rita")
    there.sign_in("rita")
    body = {"current_password": PASSWORD, "new_password": "a new one, much better"}
    assert here.open(path, method, body).json == {"success": True}
    assert here.get("/api/auth/me").status_code == 200
    assert there.get("/api/auth/me").status_code == 401
    assert Browser(app).sign_in("rita").status_code == 401
    assert Browser(app).sign_in("rita", "a new one, much better").status_code == 200
    (event,) = events(app, "user.password_changed")
    assert event.data == {"sessions_ended": 1}
    assert "better" not in str((event.before, event.after, event.message))


def test_a_password_is_not_changed_without_the_old_one(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    body = {"current_password": "wrong", "new_password": "a new one, much better"}
    answer = browser.post("/api/auth/change-password", body)
    assert (answer.status_code, answer.json["code"]) == (401, "wrong_password")
    short = {"current_password": PASSWORD, "new_password": "short"}
    assert browser.post("/api/auth/change-password", short).status_code == 422
    assert Browser(app).sign_in("rita").status_code == 200


def test_an_account_without_a_password_here_cannot_change_it(app: Flask, as_user: Any) -> None:
    body = {"current_password": "anything", "new_password": "a new one, much better"}
    answer = as_user("researcher").post("/api/auth/change-password", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "no_local_password")


def test_the_current_password_cannot_be_guessed_for_long(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    body = {"current_password": "wrong", "new_password": "a new one, much better"}
    codes = [browser.post("/api/auth/change-password", body).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
