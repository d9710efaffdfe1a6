"""Whoever signs in through a provider confirms there that it is them, before a dangerous action."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import update

from st_core.db import db, unit_of_work
from st_core.models import User
from st_core.testing.fixtures import Clock

from .conftest import BASE, Browser, House
from .rogue import Rogue

AGAIN = {"again": "1"}


@pytest.fixture
def boss(house: House, op: Rogue) -> Browser:
    """An administrator without a password here, who signed in just now."""
    op.claims |= {"groups": ["ml-admins"], "auth_time": int(time.time())}
    browser = house.browser()
    assert browser.sign_in(op).status_code == 200
    return browser


def disable(browser: Browser, name: str = "nobody") -> Any:
    """Do something dangerous: delete a provider that is not there, which else is a 404."""
    token = browser.client.get_cookie("csrf_token").value
    return browser.client.delete(f"{BASE}/providers/{name}", headers={"X-CSRF-Token": token})


def test_a_provider_that_lets_people_through_is_no_proof(house: House, op: Rogue) -> None:
    op.claims |= {"groups": ["ml-admins"], "auth_time": int(time.time()) - 3600}
    browser = house.browser()
    assert browser.sign_in(op).status_code == 200
    answer = disable(browser)
    assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")
    assert answer.json["details"] == {
        "methods": ["provider"],
        "provider": {"label": "op", "url": f"{BASE}/oidc/op/start?again=1"},
    }


def test_the_provider_is_told_to_ask_and_its_answer_opens_the_way(
    boss: Browser, op: Rogue, clock: Clock
) -> None:
    assert disable(boss).status_code == 404
    clock.advance(hours=1)
    assert disable(boss).status_code == 403
    op.claims["auth_time"] = int(clock.now().timestamp())
    op.claims |= {"iat": op.claims["auth_time"], "exp": op.claims["auth_time"] + 300}
    assert boss.sign_in(op, **AGAIN, next="/admin/auth").status_code == 200
    asked = dict(parse_qsl(urlsplit(boss.auth_url).query))
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert disable(boss).status_code == 404
    clock.advance(minutes=11)
    assert disable(boss).status_code == 403


def test_an_ordinary_sign_in_asks_nobody_again(boss: Browser) -> None:
    asked = dict(parse_qsl(urlsplit(boss.auth_url).query))
    assert not {"prompt", "max_age"} & set(asked)


@pytest.mark.parametrize(
    ("auth_time", "code"),
    [
        (None, "oidc_auth_time_missing"),
        ("yesterday", "oidc_token_malformed"),
        (True, "oidc_auth_time_missing"),
        (1e300, "oidc_auth_time_missing"),
        (-3600, "oidc_auth_time_too_old"),
        (0, "oidc_auth_time_too_old"),
    ],
)
def test_a_provider_that_did_not_ask_confirms_nothing(
    house: House, boss: Browser, op: Rogue, auth_time: Any, code: str
) -> None:
    before = boss.session()
    ago = int(time.time()) + auth_time if auth_time == -3600 else auth_time
    op.claims = {"groups": ["ml-admins"]} | ({} if auth_time is None else {"auth_time": ago})
    answer = boss.sign_in(op, **AGAIN)
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert boss.session() == before  # and the session goes on as it was
    assert house.events()[-1].data["reason"] == code


def test_a_person_may_confirm_from_the_future_no_longer_than_others(
    house: House, op: Rogue, clock: Clock
) -> None:
    op.claims |= {"groups": ["ml-admins"], "auth_time": int(time.time()) + 86_400}
    browser = house.browser()
    assert browser.sign_in(op).status_code == 200
    clock.advance(minutes=11)
    assert disable(browser).status_code == 403


def test_where_a_provider_never_says_when_the_sign_in_is_the_proof(
    house: House, op: Rogue, clock: Clock
) -> None:
    op.claims |= {"groups": ["ml-admins"]}
    browser = house.browser()
    browser.sign_in(op)
    assert disable(browser).status_code == 404
    clock.advance(minutes=11)
    assert disable(browser).status_code == 403


def test_a_second_factor_here_is_another_way(house: House, boss: Browser, clock: Clock) -> None:
    with house.app.app_context(), unit_of_work():
        db.session.execute(update(User).values(totp_confirmed_at=clock.now()))
    clock.advance(hours=1)
    assert disable(boss).json["details"]["methods"] == ["code", "provider"]
