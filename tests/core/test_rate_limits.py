"""Limits on requests and guesses: who is counted, by what, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from st_core.db import db
from st_core.models import Event
from tests.core.browsers import PASSWORD, Browser, make_person

CHECK = "/api/auth/check"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server where an address may send five requests a minute."""
    app = make_app(plugins=["zoo"], rate_limit__calls=5)
    make_person(app, "admin", "ada")
    make_person(app, "researcher", "rita")
    return app


def statuses(count: int, call: Callable[[], Any]) -> list[int]:
    return [call().status_code for _ in range(count)]


def test_an_address_that_sends_too_much_is_told_when_to_come_back(app: Flask, clock: Any) -> None:
    browser = Browser(app)
    assert statuses(6, lambda: browser.get(CHECK)) == [200] * 5 + [429]
    answer = browser.get(CHECK)
    assert answer.json["code"] == "rate_limit_exceeded"
    assert answer.json["detail"].startswith("Rate limit exceeded. Please try again later")
    assert answer.headers["X-RateLimit-Limit"] == "5"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert int(answer.headers["X-RateLimit-Reset"]) > clock.now().timestamp()
    assert Browser(app, "198.51.100.1").get(CHECK).status_code == 200
    clock.advance(seconds=61)
    assert browser.get(CHECK).status_code == 200


def test_the_first_refusal_of_a_period_is_an_event(app: Flask) -> None:
    browser = Browser(app)
    statuses(9, lambda: browser.get(CHECK))
    with app.app_context():
        (event,) = db.session.query(Event).filter_by(name="security.rate_limited")
        assert (event.address, event.data["rule"]) == ("203.0.113.7", "requests")


def test_who_is_signed_in_has_ten_times_as_much_wherever_they_are(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("rita")
    for address in ("198.51.100.1", "198.51.100.2"):
        browser.address = address
        assert statuses(25, lambda: browser.get(CHECK)) == [200] * 25
    assert browser.get(CHECK).status_code == 429


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "simpletuner_session=made-up"},
        {"Authorization": "Bearer st_" + "x" * 32},
        {"X_API_Key": "st_" + "x" * 32},
    ],
)
def test_a_credential_that_is_not_valid_wins_nothing(app: Flask, headers: dict[str, str]) -> None:
    browser = Browser(app)
    assert statuses(6, lambda: browser.get(CHECK, **headers))[-1] == 429


def test_a_forwarded_address_that_nobody_vouches_for_counts_for_nothing(app: Flask) -> None:
    browser = Browser(app)
    numbers = iter(range(100))
    answers = statuses(6, lambda: browser.get(CHECK, X_Forwarded_For=f"192.0.2.{next(numbers)}"))
    assert answers[-1] == 429
    local = Browser(app, "127.0.0.1")
    answers = statuses(6, lambda: local.get(CHECK, X_Forwarded_For="127.0.0.1"))
    assert answers[-1] == 429


def test_addresses_of_one_ipv6_household_count_as_one(app: Flask) -> None:
    numbers = iter(range(1, 100))
    answers = statuses(6, lambda: Browser(app, f"2001:db8::{next(numbers)}").get(CHECK))
    assert answers[-1] == 429


def test_whoever_sits_at_this_machine_is_not_counted(app: Flask) -> None:
    local = Browser(app, "127.0.0.1")
    assert set(statuses(20, lambda: local.get(CHECK))) == {200}


def test_health_is_not_counted(app: Flask) -> None:
    browser = Browser(app)
    assert 429 not in statuses(20, lambda: browser.get("/health"))


def test_a_limit_of_zero_is_none(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=["zoo"], rate_limit__calls=0)
    make_person(app, "admin", "ada")
    browser = Browser(app)
    assert set(statuses(400, lambda: browser.get(CHECK))) == {200}


def test_the_old_names_of_the_settings_still_hold(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_CALLS", "2")
    monkeypatch.setenv("RATE_LIMIT_PERIOD", "300")
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    browser = Browser(app)
    assert statuses(3, lambda: browser.get(CHECK)) == [200, 200, 429]
    assert int(browser.get(CHECK).headers["Retry-After"]) > 60


@pytest.mark.parametrize("path", ["/api/queue/submit", "/api/cloud/instant/submit"])
def test_submissions_have_a_limit_of_their_own(make_app: Callable[..., Flask], path: str) -> None:
    app = make_app(plugins=["zoo"])
    make_person(app, "researcher", "rita")
    browser = Browser(app)
    browser.sign_in("rita")
    answers = statuses(201, lambda: browser.post(path, {"config": "no object"}))
    assert 429 not in answers[:200]
    assert answers[-1] == 429
    assert browser.get(CHECK).status_code == 200


# ── guessing passwords ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def guessed(make_app: Callable[..., Flask], database: object) -> Flask:
    """A server with an admin, on each kind of database."""
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    return app


def test_an_address_guesses_at_most_fifteen_times_a_minute(guessed: Flask, clock: Any) -> None:
    browser = Browser(guessed).visit()
    numbers = iter(range(100))

    def guess() -> Any:
        body = {"username": f"name{next(numbers)}", "password": "wrong"}
        return browser.post("/api/auth/login", body)

    assert statuses(16, guess) == [401] * 15 + [429]
    body = {"username": "ada", "password": PASSWORD}
    assert browser.post("/api/auth/login", body).status_code == 429
    assert Browser(guessed, "198.51.100.1").sign_in("ada").status_code == 200
    clock.advance(seconds=61)
    assert browser.sign_in("ada").status_code == 200


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_known_and_unknown_names_are_throttled_alike(guessed: Flask, clock: Any, name: str) -> None:
    browser, answers = Browser(guessed).visit(), []
    for _ in range(11):
        clock.advance(seconds=20)
        answers.append(browser.sign_in(name, "wrong").status_code)
    assert answers == [401] * 10 + [429]


def test_guessing_from_many_places_locks_nobody_out_of_a_device_they_use(
    guessed: Flask, clock: Any
) -> None:
    usual = Browser(guessed, "198.51.100.4")
    assert usual.sign_in("ada").status_code == 200
    usual.post("/api/auth/logout")
    answers = [guess_from(guessed, f"203.0.{number}.9", "wrong") for number in range(60)]
    assert answers == [401] * 49 + [429] * 11
    assert guess_from(guessed, "192.0.2.77", PASSWORD) == 429
    assert usual.sign_in("ada").status_code == 200
    clock.advance(minutes=16)
    assert guess_from(guessed, "192.0.2.77", PASSWORD) == 200


def test_a_guesser_in_the_same_office_locks_nobody_out_of_a_device_they_use(
    guessed: Flask,
) -> None:
    usual = Browser(guessed, "198.51.100.4")
    usual.sign_in("ada")
    usual.post("/api/auth/logout")
    answers = [guess_from(guessed, "198.51.100.4", "wrong") for _ in range(20)]
    assert answers == [401] * 10 + [429] * 10
    assert usual.sign_in("ada").status_code == 200


def test_a_known_device_guesses_no_better_than_others(guessed: Flask) -> None:
    make_person(guessed, "admin", "boss")
    browser = Browser(guessed)
    browser.sign_in("ada")
    assert statuses(11, lambda: browser.sign_in("ada", "wrong")) == [401] * 10 + [429]
    assert browser.sign_in("ada").status_code == 429
    answers = statuses(15, lambda: browser.sign_in("boss", "wrong"))
    assert answers == [401] * 10 + [429] * 5


def test_many_guesses_at_one_moment_are_no_way_round(guessed: Flask) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: guess_from(guessed, "203.0.113.9", "wrong"), range(24)))
    assert sorted(answers) == [401] * 10 + [429] * 14


def guess_from(app: Flask, address: str, password: str) -> int:
    body = {"username": "ada", "password": password}
    place = {"REMOTE_ADDR": address}
    answer = app.test_client().post("/api/auth/login", json=body, environ_overrides=place)
    return answer.status_code


def test_signing_in_forgets_the_wrong_tries_before(guessed: Flask, clock: Any) -> None:
    browser = Browser(guessed).visit()
    for _ in range(3):
        for _ in range(4):
            clock.advance(seconds=20)
            assert browser.sign_in("ada", "wrong").status_code == 401
        assert browser.sign_in("ada").status_code == 200
