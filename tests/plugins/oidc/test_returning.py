"""Who may come back with a sign-in: the browser that began it, once, in time, and from that
provider."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from st_core.db import db, unit_of_work
from st_core.testing.fixtures import Clock

from .conftest import BASE, House
from .rogue import Rogue

Text = "Invalid OAuth state"


@pytest.fixture
def other(house: House) -> Iterator[Rogue]:
    """A second provider, known as `other`."""
    with Rogue() as provider:
        house.add(provider, "other")
        yield provider


def refused(house: House, answer: Any, reason: str, status: int = 400) -> None:
    """State that the answer is a refusal, recorded with its reason, and no session began."""
    assert answer.status_code == status, answer.text
    assert answer.get_json()["code"] == reason, answer.text
    assert not any("simpletuner_session" in each for each in answer.headers.getlist("Set-Cookie"))
    assert house.events()[-1].data["reason"] == reason
    assert house.events("auth.login") == []


def test_a_state_counts_once(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    assert browser.come_back(returned).status_code == 200
    again = browser.come_back(returned)
    assert again.get_json()["code"] == "oauth_state_unknown"
    assert Text in again.get_json()["detail"]
    assert len(house.events("auth.login")) == 1


def test_a_state_nobody_gave_is_refused(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    answer = browser.come_back(op.authorize(browser.auth_url) | {"state": "invented"})
    refused(house, answer, "oauth_state_unknown")
    assert answer.get_json()["detail"].startswith(Text)


@pytest.mark.parametrize("state", ["", "\x00", "'; DROP TABLE oidc_state; --", "é" * 500])
def test_an_odd_state_is_refused(house: House, op: Rogue, state: str) -> None:
    browser = house.browser()
    browser.begin()
    answer = browser.come_back(op.authorize(browser.auth_url) | {"state": state})
    refused(house, answer, "oauth_state_unknown" if state else "oauth_state_missing")


def test_no_state_is_refused(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    del returned["state"]
    refused(house, browser.come_back(returned), "oauth_state_missing")


def test_another_browser_cannot_finish_a_sign_in(house: House, op: Rogue) -> None:
    attacker, victim = house.browser(), house.browser()
    attacker.begin()
    returned = op.authorize(attacker.auth_url)
    victim.begin()
    victim.auth_url = attacker.auth_url
    refused(house, victim.come_back(returned), "oauth_state_foreign")
    assert attacker.come_back(returned).status_code == 200  # and it cannot spoil it either


def test_a_browser_that_began_nothing_cannot_finish_a_sign_in(house: House, op: Rogue) -> None:
    attacker, victim = house.browser(), house.browser()
    attacker.begin()
    victim.auth_url = attacker.auth_url
    refused(house, victim.come_back(op.authorize(attacker.auth_url)), "oauth_state_foreign")


def test_after_ten_minutes_it_is_too_late(house: House, op: Rogue, clock: Clock) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    clock.advance(minutes=10, seconds=1)
    refused(house, browser.come_back(returned), "oauth_state_expired")


def test_the_code_of_another_sign_in_is_refused(house: House, op: Rogue) -> None:
    attacker, victim = house.browser(), house.browser()
    attacker.begin()
    stolen = op.authorize(attacker.auth_url)["code"]
    victim.begin()
    returned = op.authorize(victim.auth_url) | {"code": stolen}
    refused(house, victim.come_back(returned), "oidc_code_refused")


def test_the_token_of_another_sign_in_is_refused_where_the_provider_checks_no_verifier(
    house: House, op: Rogue
) -> None:
    op.accepts_any_code = True
    attacker, victim = house.browser(), house.browser()
    attacker.begin()
    stolen = op.authorize(attacker.auth_url)["code"]
    victim.begin()
    returned = op.authorize(victim.auth_url) | {"code": stolen}
    refused(house, victim.come_back(returned), "oidc_nonce_mismatch")


def test_a_code_counts_once(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    used = op.authorize(browser.auth_url)
    assert browser.come_back(used).status_code == 200
    again = house.browser()
    again.begin()
    answer = again.come_back(op.authorize(again.auth_url) | {"code": used["code"]})
    assert answer.get_json()["code"] == "oidc_code_refused"
    assert house.events()[-1].data["reason"] == "oidc_code_refused"


def test_no_code_is_refused(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    del returned["code"]
    refused(house, browser.come_back(returned), "oidc_code_missing")


def test_the_providers_own_refusal_is_told(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    answer = browser.come_back(
        {"state": returned["state"], "iss": op.issuer, "error": "access_denied",
         "error_description": "wrong password"}
    )  # fmt: skip
    refused(house, answer, "oidc_declined")
    assert "access_denied: wrong password" in answer.get_json()["detail"]


@pytest.mark.parametrize("name", ["code", "state", "iss", "error"])
def test_a_parameter_given_twice_is_refused(house: House, op: Rogue, name: str) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    answer = browser.come_back(returned, more=f"&{name}=1&{name}=2")
    refused(house, answer, "oidc_parameter_repeated")


# ── two providers ─────────────────────────────────────────────────────────────────────────────────


def test_another_providers_answer_is_refused(house: House, op: Rogue, other: Rogue) -> None:
    browser = house.browser()
    browser.begin("op")
    returned = op.authorize(browser.auth_url) | {"iss": other.issuer}
    refused(house, browser.come_back(returned), "oidc_mix_up")
    assert "/token" not in op.asked + other.asked


def test_an_answer_at_another_providers_address_is_refused(
    house: House, op: Rogue, other: Rogue
) -> None:
    browser = house.browser()
    browser.begin("op")
    answer = browser.come_back(op.authorize(browser.auth_url), f"{BASE}/oidc/other/callback")
    refused(house, answer, "oidc_mix_up")
    assert "/token" not in op.asked + other.asked


def test_an_answer_that_names_nobody_is_refused_when_the_provider_promised_its_name(
    house: House, op: Rogue
) -> None:
    browser = house.browser()
    browser.begin("op")
    returned = op.authorize(browser.auth_url)
    del returned["iss"]
    refused(house, browser.come_back(returned), "oidc_mix_up")


def test_a_provider_that_never_names_itself_may_go_on_so(house: House, op: Rogue) -> None:
    op.says_iss = False
    assert house.browser().sign_in(op).status_code == 200


def test_the_same_subject_of_two_providers_is_two_people(
    house: House, op: Rogue, other: Rogue
) -> None:
    other.claims = {"preferred_username": "alice-of-other", "email": "other@example.org"}
    other.userinfo = {"sub": other.sub}
    first, second = house.browser(), house.browser()
    assert first.sign_in(op, "op").status_code == 200
    assert second.sign_in(other, "other").status_code == 200
    assert first.who()["user_id"] != second.who()["user_id"]


# ── what changes meanwhile ────────────────────────────────────────────────────────────────────────


def test_a_provider_switched_off_meanwhile_lets_nobody_in(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    house.change(enabled=False)
    refused(house, browser.come_back(returned), "oidc_provider_disabled")


def test_a_provider_that_became_another_meanwhile_lets_nobody_in(
    house: House, op: Rogue, other: Rogue
) -> None:
    browser = house.browser()
    browser.begin()
    returned = op.authorize(browser.auth_url)
    house.change(config={"issuer": other.issuer})
    refused(house, browser.come_back(returned), "oidc_provider_changed")


def test_a_provider_nobody_knows_is_not_found(house: House, op: Rogue) -> None:
    for path in (f"{BASE}/oidc/nobody/start", f"{BASE}/oidc/start?provider=%00"):
        assert house.browser().client.get(path).status_code == 404
    assert house.browser().client.get(f"{BASE}/oidc/start").status_code == 400


# ── where a browser is sent ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "evil.example", "/api/auth/external/oidc/op/start", "http:evil"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["next", "frontend_url"])
def test_a_sign_in_leads_to_no_other_place(house: House, op: Rogue, wanted: str, name: str) -> None:
    browser = house.browser()
    browser.begin(**{name: wanted})
    browser.accept = "text/html"
    answer = browser.come_back(op.authorize(browser.auth_url))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_what_comes_back_cannot_choose_another_place_either(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin(redirect_uri=f"http://localhost{BASE}/oidc/callback-redirect")
    answer = browser.come_back(
        op.authorize(browser.auth_url), more="&frontend_url=//evil.example&next=//evil.example"
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/cb", "http://localhost/", "http://localhost.evil.example/api/auth",
     "http://localhost/api/auth/external/oidc/other/callback", "//localhost", "http://localhost"
     "/api/auth/external/oidc/op/callback?x=1"],
)  # fmt: skip
def test_a_code_is_sent_to_no_other_place(house: House, op: Rogue, address: str) -> None:
    answer = house.browser().begin(redirect_uri=address)
    refused(house, answer, "oidc_redirect_uri_refused")


def test_a_person_reads_the_reason_on_a_page(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.begin()
    browser.accept = "text/html"
    returned = op.authorize(browser.auth_url)
    answer = browser.come_back({"state": returned["state"], "iss": op.issuer, "error": "<script>"})
    assert answer.status_code == 400
    assert answer.mimetype == "text/html"
    assert "did not sign you in (&lt;script&gt;)" in answer.text
    assert "Back to the sign-in page" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_table_tells_nobody_how_to_finish_a_sign_in(
    house: House, op: Rogue, app: Flask
) -> None:
    browser = house.browser()
    browser.begin()
    sent = parse_qs(urlsplit(browser.auth_url).query)
    cookie = browser.client.get_cookie("simpletuner_oidc")
    with app.app_context():
        (row,) = db.session.execute(sa.text("SELECT * FROM oidc_state")).all()
    for secret in (cookie.value, sent["state"][0], sent["nonce"][0], sent["code_challenge"][0]):
        assert secret not in str(row)
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_sign_ins_that_nobody_finished_are_purged(
    house: House,
    op: Rogue,
    app: Flask,
    clock: Clock,
    run_services_once: Callable[..., None],
) -> None:
    def count() -> int:
        with app.app_context():
            return db.session.execute(sa.text("SELECT count(*) FROM oidc_state")).scalar_one()

    house.browser().begin()
    clock.advance(minutes=11)
    plugins = app.extensions["st"].plugins
    with app.app_context():
        assert plugins.call("oidc", "st_purge", dry_run=True) == 1
    assert count() == 1
    house.browser().begin()
    assert count() == 1  # the old one went when the next began
    clock.advance(minutes=11)
    run_services_once("plugin cleanup")
    assert count() == 0


def test_a_sign_in_that_cannot_be_stored_is_told_and_logged(
    house: House, op: Rogue, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), unit_of_work():
        db.session.execute(sa.text("ALTER TABLE oidc_state RENAME TO oidc_gone"))
    with caplog.at_level(logging.ERROR):
        answer = house.browser().begin()
    refused(house, answer, "oauth_state_not_stored", status=503)
    assert "Failed to store OAuth state" in caplog.text


def test_one_address_cannot_begin_without_end(
    house: House, op: Rogue, as_user: Callable[..., Any]
) -> None:
    browser = house.browser()
    answers = [browser.begin().status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]
