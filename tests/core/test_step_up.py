"""Step-up: dangerous actions ask whoever has a session to prove once more to be there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask

from st_core.api.routing import SIGNED_IN, check, route
from st_core.api.schemas.kinds import Success
from tests.core.browsers import PASSWORD, Browser, make_person

PATH = "/api/dangerous"


def dangerous() -> Blueprint:
    """Return routes of a plugin that asks for a confirmation."""
    blueprint = Blueprint("dangerous", __name__)

    @route(
        blueprint,
        PATH,
        methods=["POST"],
        permission=SIGNED_IN,
        summary="Do something dangerous",
        answers={200: Success},
        step_up=True,
    )
    def act() -> Success:
        return Success()

    return blueprint


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with a dangerous route."""
    app = make_app(plugins=["zoo"])
    app.register_blueprint(dangerous())
    check(app, frozenset(app.extensions["st"].permissions))
    make_person(app, "admin", "ada")
    return app


def test_a_fresh_sign_in_is_proof_enough_for_ten_minutes(app: Flask, clock: Any) -> None:
    browser = Browser(app)
    browser.sign_in("ada")
    clock.advance(minutes=9)
    assert browser.post(PATH).status_code == 200
    clock.advance(minutes=2)
    answer = browser.post(PATH)
    assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")
    assert answer.json["details"]["methods"] == ["password"]


def test_the_password_opens_the_way_for_another_ten_minutes(app: Flask, clock: Any) -> None:
    browser = Browser(app)
    browser.sign_in("ada")
    clock.advance(hours=1)
    assert browser.post(PATH).status_code == 403
    wrong = browser.post("/api/auth/confirm", {"password": "wrong"})
    assert (wrong.status_code, wrong.json["code"]) == (401, "not_confirmed")
    assert browser.post(PATH).status_code == 403
    assert browser.post("/api/auth/confirm", {"password": PASSWORD}).status_code == 200
    assert browser.post(PATH).status_code == 200
    clock.advance(minutes=11)
    assert browser.post(PATH).status_code == 403


def test_one_session_confirms_nothing_for_another(app: Flask, clock: Any) -> None:
    here, there = Browser(app), Browser(app)
    here.sign_in("ada")
    there.sign_in("ada")
    clock.advance(hours=1)
    here.post("/api/auth/confirm", {"password": PASSWORD})
    assert (here.post(PATH).status_code, there.post(PATH).status_code) == (200, 403)


def test_the_confirmation_cannot_be_guessed_for_long(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("ada")
    codes = [browser.post("/api/auth/confirm", {"password": "wrong"}).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    assert browser.post("/api/auth/confirm", {"password": PASSWORD}).status_code == 429


def test_an_api_key_is_asked_for_nothing(app: Flask, as_user: Any) -> None:
    admin = as_user("admin")
    assert admin.post(PATH).status_code == 200
    assert admin.post("/api/auth/confirm", json={"password": "x"}).status_code == 400
