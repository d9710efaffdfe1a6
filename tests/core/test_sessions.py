"""Sessions: listed and ended by their owner and by administrators, and expired with an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.db import db, unit_of_work
from st_core.models import Event, Level, Session, User
from st_core.services import presence, sessions
from tests.core.browsers import Browser, make_person


@pytest.fixture
def app(make_app: Callable[..., Flask], database: object) -> Flask:
    """A server with an admin and a researcher, on each kind of database."""
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    make_person(app, "researcher", "rita")
    return app


def signed_in(app: Flask, name: str, **place: str) -> Browser:
    browser = Browser(app, **place)
    assert browser.sign_in(name).status_code == 200
    return browser


def id_of(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.query(User).filter_by(username=name).one().id


def test_somebody_sees_where_they_are_signed_in_and_ends_one_session(app: Flask) -> None:
    here = signed_in(app, "rita", address="198.51.100.4", agent="Firefox/140")
    there = signed_in(app, "rita", address="192.0.2.9", agent="Chrome/150")
    signed_in(app, "ada")
    listed = here.get("/api/auth/sessions").json["sessions"]
    assert [(each["address"], each["is_current"]) for each in listed] == [
        ("192.0.2.9", False),
        ("198.51.100.4", True),
    ]
    assert listed[0]["user_agent"] == "Chrome/150"
    assert here.delete(f"/api/auth/sessions/{listed[0]['id']}").json == {"success": True}
    assert there.get("/api/auth/me").status_code == 401
    assert here.get("/api/auth/me").status_code == 200


def test_ending_the_others_leaves_the_one_that_asks(app: Flask) -> None:
    here, there = signed_in(app, "rita"), signed_in(app, "rita")
    other = signed_in(app, "ada")
    assert here.delete("/api/auth/sessions").json == {"success": True, "ended": 1}
    assert [each.get("/api/auth/me").status_code for each in (here, there, other)] == [
        200,
        401,
        200,
    ]


def test_nobody_ends_a_session_that_is_not_theirs(app: Flask) -> None:
    ada, rita = signed_in(app, "ada"), signed_in(app, "rita")
    (session,) = ada.get("/api/auth/sessions").json["sessions"]
    assert rita.delete(f"/api/auth/sessions/{session['id']}").status_code == 404
    path = f"/api/users/{id_of(app, 'ada')}/sessions"
    assert rita.get(path).status_code == 403
    assert rita.delete(path).status_code == 403
    assert ada.get("/api/auth/me").status_code == 200


def test_an_admin_lists_and_ends_the_sessions_of_others(app: Flask) -> None:
    ada = signed_in(app, "ada")
    first, second, third = (signed_in(app, "rita") for _ in range(3))
    path = f"/api/users/{id_of(app, 'rita')}/sessions"
    newest, *_ = ada.get(path).json["sessions"]
    assert ada.delete(f"{path}/{newest['id']}").status_code == 200
    assert third.get("/api/auth/me").status_code == 401
    assert first.get("/api/auth/me").status_code == 200
    assert ada.delete(path).json["ended"] == 2
    assert second.get("/api/auth/me").status_code == 401
    with app.app_context():
        told = db.session.query(Event).filter_by(name="auth.session_ended").all()
        assert [event.actor_name for event in told] == ["ada"] * 3
    assert ada.get("/api/users/999999/sessions").status_code == 404
    assert ada.delete("/api/users/999999/sessions").status_code == 404


def test_who_manages_users_without_being_an_admin_cannot_sign_an_admin_out(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        level = Level(name="helpdesk", priority=25, permissions=["admin.users"])
        db.session.query(User).filter_by(username="rita").one().levels = [level]
    ada, rita = signed_in(app, "ada"), signed_in(app, "rita")
    path = f"/api/users/{id_of(app, 'ada')}/sessions"
    assert rita.delete(path).status_code == 403
    assert ada.get("/api/auth/me").status_code == 200


def test_a_deactivated_user_is_out_at_once(app: Flask) -> None:
    rita = signed_in(app, "rita")
    assert rita.get("/api/auth/me").status_code == 200
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username="rita").one().is_active = False
    assert rita.get("/api/auth/me").status_code == 401


def test_a_change_of_level_holds_from_the_next_request(app: Flask) -> None:
    rita = signed_in(app, "rita")
    assert rita.get("/api/settings").status_code == 403
    with app.app_context(), unit_of_work():
        admin = db.session.query(Level).filter_by(name="admin").one()
        db.session.query(User).filter_by(username="rita").one().levels = [admin]
    assert rita.get("/api/settings").status_code == 200


def test_expired_sessions_are_deleted_each_with_an_event(
    app: Flask, clock: Any, run_services_once: Callable[..., None]
) -> None:
    short = signed_in(app, "rita", address="192.0.2.9")
    long = Browser(app)
    long.sign_in("rita", remember_me=True)
    run_services_once("session cleanup")
    assert short.get("/api/auth/me").status_code == 200
    clock.advance(hours=25)
    run_services_once("session cleanup")
    run_services_once("session cleanup")
    with app.app_context():
        (event,) = db.session.query(Event).filter_by(name="auth.session_expiry").all()
        assert event.before is not None
        assert event.before["address"] == "192.0.2.9"
        assert db.session.query(Session).count() == 1
    assert long.get("/api/auth/me").status_code == 200


def test_when_a_session_was_last_used_is_written_in_batches_and_changes_no_policy(
    app: Flask, clock: Any
) -> None:
    rita = signed_in(app, "rita")
    rita.get("/api/auth/me")
    before = rita.get("/api/auth/sessions").json["sessions"][0]["last_seen_at"]
    generation = app.extensions["st"].policy.generation
    clock.advance(minutes=5)
    rita.get("/api/auth/me")
    with app.app_context():
        presence.write()
    after = rita.get("/api/auth/sessions").json["sessions"][0]["last_seen_at"]
    assert before is None
    assert after is not None
    assert app.extensions["st"].policy.generation == generation


def test_a_session_answers_without_a_query_while_nothing_changed(app: Flask) -> None:
    from sqlalchemy import event

    rita = signed_in(app, "rita")
    rita.get("/api/auth/check")
    asked: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert rita.get("/api/auth/check").json["authenticated"] is True
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert asked == []


def test_a_cookie_that_means_nothing_is_taken_back(app: Flask) -> None:
    browser = Browser(app).visit()
    browser.client.set_cookie("simpletuner_session", "made-up", domain="localhost")
    assert browser.get("/api/auth/me").status_code == 401
    assert browser.cookie("simpletuner_session") is None


def test_an_open_stream_ends_with_its_session(app: Flask) -> None:
    from st_core.api import guard

    rita = signed_in(app, "rita")
    token = rita.cookie("simpletuner_session")
    headers = {"Cookie": f"simpletuner_session={token}"}
    with app.test_request_context("/api/events", headers=headers) as context:
        guard.admit()
        assert guard.is_unchanged() is True
        with app.app_context():
            sessions.end_others(id_of(app, "rita"))
        assert guard.is_unchanged() is False
        guard._leave(None)
        del context
