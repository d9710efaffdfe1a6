"""The second factor: set up, asked at sign-in, never taken twice; recovery codes stand in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask

from st_core.db import db
from st_core.models import Event, RecoveryCode, Session, User
from tests.core.browsers import PASSWORD, Browser, make_person

PATH = "/api/auth/second-factor"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with an admin and a researcher."""
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    make_person(app, "researcher", "rita")
    return app


class Phone:
    """An authenticator app."""

    def __init__(self, secret: str, clock: Any) -> None:
        self._totp, self._clock = pyotp.TOTP(secret), clock

    def code(self, steps: int = 0) -> str:
        """Return the code of the present step, or of one so many later."""
        return self._totp.at(self._clock.now() + timedelta(seconds=30 * steps))

    def next_code(self) -> str:
        """Wait for the next step and return its code."""
        self._clock.advance(seconds=30)
        return self.code()


def enrolled(app: Flask, clock: Any, name: str = "rita") -> tuple[Browser, Phone, list[str]]:
    """Return a browser of somebody whose second factor is on, their app and recovery codes."""
    browser = Browser(app)
    browser.sign_in(name)
    phone = Phone(browser.post(f"{PATH}/enrol").json["secret"], clock)
    answer = browser.post(f"{PATH}/confirm", {"code": phone.code()})
    assert answer.status_code == 200
    return browser, phone, answer.json["recovery_codes"]


def test_an_app_is_set_up_with_a_qr_code_and_a_first_code(app: Flask, clock: Any) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    assert browser.get(f"{PATH}/status").json == {"enabled": False, "recovery_codes_left": 0}
    given = browser.post(f"{PATH}/enrol").json
    assert given["qr_svg"].startswith("<svg")
    parsed = pyotp.parse_uri(given["uri"])
    assert (parsed.issuer, parsed.name, parsed.secret) == ("SimpleTuner", "rita", given["secret"])
    wrong = browser.post(f"{PATH}/confirm", {"code": "000000"})
    assert (wrong.status_code, wrong.json["code"]) == (400, "wrong_code")
    assert Browser(app).sign_in("rita").status_code == 200
    phone = Phone(given["secret"], clock)
    codes = browser.post(f"{PATH}/confirm", {"code": phone.code()}).json["recovery_codes"]
    assert len(set(codes)) == 10
    assert browser.get(f"{PATH}/status").json == {"enabled": True, "recovery_codes_left": 10}


def test_the_key_and_the_codes_are_not_in_the_database_nor_told(app: Flask, clock: Any) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    secret = browser.post(f"{PATH}/enrol").json["secret"]
    code = Phone(secret, clock).code()
    codes = browser.post(f"{PATH}/confirm", {"code": code}).json["recovery_codes"]
    with app.app_context():
        rows = [*db.session.query(User), *db.session.query(RecoveryCode), *db.session.query(Event)]
        stored = "|".join(str(vars(row)) for row in rows)
    for word in (secret, *codes):
        assert word not in stored


def test_a_right_password_alone_opens_nothing(app: Flask, clock: Any) -> None:
    _, phone, _ = enrolled(app, clock)
    browser = Browser(app)
    answer = browser.sign_in("rita")
    assert answer.status_code == 202
    assert (answer.json["success"], answer.json["second_factor_required"]) == (False, True)
    assert browser.get("/api/auth/me").status_code == 401
    assert browser.get("/api/auth/check").json["authenticated"] is False
    waiting = browser.cookie("simpletuner_session")
    wrong = browser.post(PATH, {"code": "000000"})
    assert (wrong.status_code, wrong.json["detail"]) == (401, "Invalid username or password")
    assert browser.cookie("simpletuner_session") == waiting
    done = browser.post(PATH, {"code": phone.next_code()})
    assert done.json["user"]["username"] == "rita"
    assert browser.cookie("simpletuner_session") != waiting
    assert browser.get("/api/auth/me").status_code == 200
    with app.app_context():
        assert db.session.query(Session).filter_by(awaits_second_factor=True).count() == 0
        told = db.session.query(Event).filter_by(name="auth.login").order_by(Event.id).all()
        assert [event.data for event in told] == [
            {"method": "password"},
            {"method": "password", "second_factor": "totp"},
        ]


def test_being_remembered_survives_the_second_step(app: Flask, clock: Any) -> None:
    _, phone, _ = enrolled(app, clock)
    browser = Browser(app)
    browser.sign_in("rita", remember_me=True)
    answer = browser.post(PATH, {"code": phone.next_code()})
    assert "Max-Age=2592000" in "".join(answer.headers.getlist("Set-Cookie"))
    clock.advance(days=20)
    assert browser.get("/api/auth/me").status_code == 200


def test_no_code_is_taken_twice(app: Flask, clock: Any, database: object) -> None:
    _, phone, _ = enrolled(app, clock)
    first, second = Browser(app), Browser(app)
    first.sign_in("rita")
    second.sign_in("rita")
    assert first.post(PATH, {"code": phone.code()}).status_code == 401
    code = phone.next_code()
    assert first.post(PATH, {"code": code}).status_code == 200
    assert second.post(PATH, {"code": code}).status_code == 401
    assert second.post(PATH, {"code": phone.next_code()}).status_code == 200


def test_a_clock_one_step_off_is_fine_two_are_not(app: Flask, clock: Any) -> None:
    _, phone, _ = enrolled(app, clock)
    clock.advance(minutes=5)
    browser = Browser(app)
    browser.sign_in("rita")
    assert browser.post(PATH, {"code": phone.code(-2)}).status_code == 401
    assert browser.post(PATH, {"code": phone.code(2)}).status_code == 401
    assert browser.post(PATH, {"code": phone.code(-1)}).status_code == 200
    another = Browser(app)
    another.sign_in("rita")
    assert another.post(PATH, {"code": phone.code(1)}).status_code == 200


def test_of_many_that_bring_one_code_at_one_moment_one_comes_in(
    app: Flask, clock: Any, database: object
) -> None:
    _, phone, _ = enrolled(app, clock)
    browsers = [Browser(app) for _ in range(4)]
    for browser in browsers:
        browser.sign_in("rita")
    code = phone.next_code()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one.post(PATH, {"code": code}).status_code, browsers))
    assert sorted(answers) == [200, 401, 401, 401]


def test_a_recovery_code_stands_in_once(app: Flask, clock: Any, database: object) -> None:
    browser, _, codes = enrolled(app, clock)
    first, second = Browser(app), Browser(app)
    first.sign_in("rita")
    second.sign_in("rita")
    assert first.post(PATH, {"code": codes[0].lower()}).status_code == 200
    assert second.post(PATH, {"code": codes[0]}).status_code == 401
    assert browser.get(f"{PATH}/status").json["recovery_codes_left"] == 9
    renewed = browser.post(f"{PATH}/recovery-codes").json["recovery_codes"]
    assert second.post(PATH, {"code": codes[1]}).status_code == 401
    assert second.post(PATH, {"code": renewed[1]}).status_code == 200


def test_the_recovery_code_of_one_person_is_nobody_elses(app: Flask, clock: Any) -> None:
    _, _, codes = enrolled(app, clock)
    enrolled(app, clock, "ada")
    browser = Browser(app)
    browser.sign_in("ada")
    assert browser.post(PATH, {"code": codes[0]}).status_code == 401


def test_codes_cannot_be_guessed_for_long(app: Flask, clock: Any) -> None:
    _, phone, _ = enrolled(app, clock)
    browser = Browser(app)
    browser.sign_in("rita")
    answers = [browser.post(PATH, {"code": "000000"}).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    assert browser.post(PATH, {"code": phone.next_code()}).status_code == 429
    clock.advance(minutes=5)
    assert browser.post(PATH, {"code": phone.next_code()}).status_code == 200


def test_a_password_given_too_long_ago_is_asked_for_again(app: Flask, clock: Any) -> None:
    _, phone, _ = enrolled(app, clock)
    browser = Browser(app)
    browser.sign_in("rita")
    clock.advance(minutes=11)
    answer = browser.post(PATH, {"code": phone.code()})
    assert (answer.status_code, answer.json["code"]) == (401, "second_factor_expired")
    assert Browser(app).visit().post(PATH, {"code": phone.code()}).status_code == 401


def test_a_session_that_waits_cannot_do_what_a_whole_one_can(app: Flask, clock: Any) -> None:
    enrolled(app, clock)
    browser = Browser(app)
    browser.sign_in("rita")
    for path in (f"{PATH}/enrol", f"{PATH}/recovery-codes", "/api/auth/confirm"):
        assert browser.post(path, {}).status_code == 401
    assert browser.delete("/api/auth/sessions").status_code == 401


def test_a_planted_session_of_somebody_whole_is_no_second_step(app: Flask, clock: Any) -> None:
    browser, phone, _ = enrolled(app, clock)
    answer = browser.post(PATH, {"code": phone.next_code()})
    assert answer.json["code"] == "second_factor_expired"


def test_switching_it_off_takes_a_code_and_a_fresh_confirmation(app: Flask, clock: Any) -> None:
    browser, phone, codes = enrolled(app, clock)
    clock.advance(minutes=11)
    late = browser.post(f"{PATH}/disable", {"code": phone.code()})
    assert late.json["code"] == "step_up_required"
    assert late.json["details"]["methods"] == ["password", "code"]
    assert browser.post("/api/auth/confirm", {"code": phone.code()}).status_code == 200
    assert browser.post(f"{PATH}/disable", {"code": "000000"}).status_code == 400
    assert browser.post(f"{PATH}/disable", {"code": phone.code()}).status_code == 400
    assert browser.post(f"{PATH}/disable", {"code": codes[0]}).json == {"success": True}
    assert Browser(app).sign_in("rita").status_code == 200


def test_setting_up_another_app_first_takes_switching_off(app: Flask, clock: Any) -> None:
    browser, _, _ = enrolled(app, clock)
    answer = browser.post(f"{PATH}/enrol")
    assert (answer.status_code, answer.json["code"]) == (409, "second_factor_on")


def test_a_key_sets_up_no_second_factor(app: Flask, as_user: Any) -> None:
    answer = as_user("researcher").post(f"{PATH}/enrol")
    assert (answer.status_code, answer.json["code"]) == (403, "session_required")


def test_an_admin_switches_it_off_for_somebody_who_lost_everything(app: Flask, clock: Any) -> None:
    enrolled(app, clock)
    with app.app_context():
        rita = db.session.query(User).filter_by(username="rita").one().id
        boss = db.session.query(User).filter_by(username="ada").one().id
    ada = Browser(app)
    ada.sign_in("ada")
    assert ada.delete(f"/api/users/{rita}/second-factor").json == {"success": True}
    browser = Browser(app)
    assert browser.sign_in("rita", PASSWORD).status_code == 200
    assert browser.delete(f"/api/users/{boss}/second-factor").status_code == 403
