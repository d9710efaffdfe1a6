"""Signing in through an honest provider: who one is, which levels that means, and leaving."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OKPKey
from sqlalchemy import update

from st_core.db import db, unit_of_work
from st_core.models import User
from st_core.services import auth_providers
from st_core.testing.fixtures import Clock

from .conftest import BASE, Browser, House
from .rogue import CLIENT, Rogue, rsa, sign

KEYS = {
    "RS256": lambda: rsa("k"),
    "RS512": lambda: rsa("k"),
    "PS256": lambda: rsa("k"),
    "PS384": lambda: rsa("k"),
    "ES256": lambda: ECKey.generate_key("P-256", {"kid": "k"}),
    "ES384": lambda: ECKey.generate_key("P-384", {"kid": "k"}),
    "ES512": lambda: ECKey.generate_key("P-521", {"kid": "k"}),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "k"}),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519", {"kid": "k"}),
}


def me(browser: Browser) -> dict[str, Any]:
    """Return the signed-in person as the server describes them."""
    answer = browser.client.get("/api/auth/me")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def levels(browser: Browser) -> list[str]:
    """Return the names of the signed-in person's levels."""
    return sorted(level["name"] for level in me(browser)["levels"])


def test_a_person_signs_in_and_has_the_levels_of_the_groups(house: House, op: Rogue) -> None:
    browser = house.browser()
    answer = browser.sign_in(op)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["success"] is True
    assert answer.get_json()["session_id"] is None
    assert answer.get_json()["user"]["username"] == "alice"
    found = me(browser)
    assert (found["auth_provider"], found["display_name"]) == ("oidc", "Alice Adams")
    assert levels(browser) == ["researcher"]
    (event,) = house.events("auth.login")
    assert event.data["method"] == "oidc"
    assert house.events() == []


def test_a_second_sign_in_ends_the_session_it_replaces(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.sign_in(op)
    first = browser.session()
    browser.sign_in(op)
    assert browser.session() not in (None, first)
    assert len(browser.client.get("/api/auth/sessions").get_json()["sessions"]) == 1


def test_levels_follow_the_groups_at_every_sign_in(house: House, op: Rogue) -> None:
    browser = house.browser()
    op.claims = {"groups": ["ml-users", "ml-admins"]}
    browser.sign_in(op)
    assert levels(browser) == ["admin", "researcher"]
    op.claims = {"groups": ["ml-users"]}
    browser.sign_in(op)
    assert levels(browser) == ["researcher"]
    op.claims = {"groups": []}
    browser.sign_in(op)
    assert levels(browser) == []


def test_the_other_orientation_of_the_mapping_means_the_same(house: House, op: Rogue) -> None:
    house.change(level_mapping={"ml-users": ["lead"]})
    browser = house.browser()
    browser.sign_in(op)
    assert levels(browser) == ["lead"]


def test_without_provisioning_only_known_people_come_in(house: House, op: Rogue) -> None:
    house.browser().sign_in(op)
    house.change(auto_create_users=False)
    assert house.browser().sign_in(op).status_code == 200
    op.sub = "person-2"
    stranger = house.browser()
    assert stranger.sign_in(op).status_code in (400, 401, 403)
    assert stranger.session() is None
    assert len(house.events()) == 1


def test_an_inactive_account_stays_out(house: House, op: Rogue) -> None:
    house.browser().sign_in(op)
    with house.app.app_context(), unit_of_work():
        db.session.execute(update(User).where(User.username == "alice").values(is_active=False))
    again = house.browser()
    assert again.sign_in(op).status_code == 403
    assert again.session() is None
    assert house.events()[-1].data["reason"] == "account_inactive"


@pytest.mark.parametrize("alg", KEYS)
def test_every_kind_of_private_key_may_sign(house: House, op: Rogue, alg: str) -> None:
    op.keys, op.alg = [KEYS[alg]()], alg
    if alg[-3:] != "256":
        bits = "512" if alg in ("EdDSA", "Ed25519") else alg[-3:]
        op.access_token = "access"
        half = hashlib.new(f"sha{bits}", b"access").digest()[: int(bits) // 16]
        op.claims = {"at_hash": base64.urlsafe_b64encode(half).decode().rstrip("=")}
    answer = house.browser().sign_in(op)
    assert answer.status_code == 200, answer.text


def test_a_provider_may_be_held_to_some_algorithms(house: House, op: Rogue) -> None:
    house.change(config={"allowed_algorithms": ["ES256"]})
    assert house.browser().sign_in(op).get_json()["code"] == "oidc_algorithm_refused"


def test_new_keys_are_fetched_when_a_token_names_one_and_not_too_often(
    house: House, op: Rogue, clock: Clock
) -> None:
    assert house.browser().sign_in(op).status_code == 200
    assert house.browser().sign_in(op).status_code == 200
    assert op.asked.count("/jwks") == 1
    op.keys = [rsa("k2")]
    clock.advance(seconds=31)
    assert house.browser().sign_in(op).status_code == 200
    assert op.asked.count("/jwks") == 2
    op.header = {"kid": "k3"}
    for _ in range(3):
        assert house.browser().sign_in(op).get_json()["code"] == "oidc_key_unknown"
    assert op.asked.count("/jwks") == 2


def test_a_token_without_key_id_is_checked_with_every_key(house: House, op: Rogue) -> None:
    op.keys = [rsa("a"), rsa("b")]
    op.signs_with, op.header = op.keys[1], {"kid": None}
    assert house.browser().sign_in(op).status_code == 200


def test_what_the_provider_says_about_itself_is_kept_for_an_hour(
    house: House, op: Rogue, clock: Clock
) -> None:
    for _ in range(2):
        house.browser().sign_in(op)
    path = "/.well-known/openid-configuration"
    assert op.asked.count(path) == 1
    clock.advance(minutes=61)
    op.claims = {"exp": int(time.time()) + 7200}
    assert house.browser().sign_in(op).status_code == 200
    assert op.asked.count(path) == 2


def test_a_provider_that_fails_is_left_alone_for_some_seconds(
    house: House, op: Rogue, clock: Clock
) -> None:
    path = "/.well-known/openid-configuration"
    op.instead = {path: (500, {}, b"")}
    answers = [house.browser().begin() for _ in range(5)]
    assert {each.get_json()["code"] for each in answers} == {"oidc_answer_malformed"}
    assert op.asked.count(path) == 1
    op.instead = {}
    clock.advance(seconds=6)
    assert house.browser().sign_in(op).status_code == 200


@pytest.mark.parametrize(("skew", "status"), [(0, 400), (120, 200)])
def test_clock_skew_is_a_setting(house: House, op: Rogue, skew: int, status: int) -> None:
    house.change(config={"clock_skew_seconds": skew})
    op.claims = {"exp": int(time.time()) - 60, "iat": int(time.time()) + 60}
    assert house.browser().sign_in(op).status_code == status


def test_an_audience_may_be_a_list_when_the_token_says_it_is_ours(house: House, op: Rogue) -> None:
    op.claims = {"aud": [CLIENT, "api"], "azp": CLIENT}
    assert house.browser().sign_in(op).status_code == 200


# ── where groups are read from ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["id_token", "userinfo", "access_token"])
def test_dotted_roles_are_found_wherever_the_provider_puts_them(
    house: House, op: Rogue, place: str
) -> None:
    house.change(config={"roles_claim": "realm_access.roles"})
    roles = {"realm_access": {"roles": ["ml-admins"]}}
    if place == "id_token":
        op.claims = roles
    elif place == "userinfo":
        op.userinfo = {"sub": op.sub, **roles}
    else:
        said = {"iss": op.issuer, "sub": op.sub, **roles}
        op.access_token = sign(said, op.keys[0], {"alg": "RS256", "kid": "k1", "typ": "at+jwt"})
    browser = house.browser()
    assert browser.sign_in(op).status_code == 200
    assert levels(browser) == ["admin", "researcher"]


@pytest.mark.parametrize("wrong", ["key", "issuer", "subject"])
def test_an_access_token_that_is_not_the_providers_word_says_nothing(
    house: House, op: Rogue, wrong: str
) -> None:
    house.change(config={"roles_claim": "realm_access.roles"})
    said = {"iss": op.issuer, "sub": op.sub, "realm_access": {"roles": ["ml-admins"]}}
    said |= {"issuer": {"iss": "https://evil.example"}, "subject": {"sub": "x"}}.get(wrong, {})
    key = rsa("k1", "attacker") if wrong == "key" else op.keys[0]
    op.access_token = sign(said, key, {"alg": "RS256", "kid": "k1"})
    browser = house.browser()
    assert browser.sign_in(op).status_code == 200
    assert levels(browser) == ["researcher"]


def test_what_the_signed_token_says_wins_over_userinfo(house: House, op: Rogue) -> None:
    op.userinfo = {"sub": op.sub, "groups": ["ml-admins"]}
    browser = house.browser()
    browser.sign_in(op)
    assert levels(browser) == ["researcher"]


def test_signed_userinfo_is_read(house: House, op: Rogue) -> None:
    said = {"iss": op.issuer, "aud": CLIENT, "sub": op.sub, "groups": ["ml-admins"]}
    token = sign(said, op.keys[0], {"alg": "RS256", "kid": "k1"}).encode()
    op.instead = {"/userinfo": (200, {"Content-Type": "application/jwt"}, token)}
    op.without = ("groups",)
    browser = house.browser()
    assert browser.sign_in(op).status_code == 200
    assert levels(browser) == ["admin"]


@pytest.mark.parametrize(
    "said",
    [{"_claim_names": {"groups": "src1"}, "_claim_sources": {}}, {"hasgroups": True}],
    ids=["_claim_names", "hasgroups"],
)
def test_groups_left_out_by_azure_are_told_and_take_no_level_away(
    house: House, op: Rogue, said: dict[str, Any]
) -> None:
    browser = house.browser()
    browser.sign_in(op)
    op.without, op.claims = ("groups",), said
    answer = house.browser().sign_in(op)
    assert answer.get_json()["code"] == "oidc_group_overage"
    assert "Groups assigned to the application" in answer.get_json()["detail"]
    assert levels(browser) == ["researcher"]
    house.change(level_mapping={}, default_levels=["viewer"])
    assert house.browser().sign_in(op).status_code == 200


# ── the server beside it ──────────────────────────────────────────────────────────────────────────


def test_a_browser_is_sent_to_the_provider_and_back_to_where_it_was(
    house: House, op: Rogue
) -> None:
    browser = house.browser()
    browser.accept = "text/html"
    begun = browser.begin(next="/jobs?status=running")
    assert begun.status_code == 303
    browser.auth_url = begun.headers["Location"]
    assert browser.redirect_uri == f"http://localhost{BASE}/oidc/op/callback"
    answer = browser.come_back(op.authorize(browser.auth_url))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs?status=running")
    assert browser.session()
    assert browser.client.get_cookie("simpletuner_oidc") is None


@pytest.mark.parametrize("base", ["/api/auth/external", "/api/cloud/external-auth"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "shared"])
def test_older_addresses_lead_to_the_same(house: House, op: Rogue, base: str, own: bool) -> None:
    browser = house.browser()
    start = f"{base}/oidc/op/start" if own else f"{base}/oidc/start"
    back = f"{base}/oidc/op/callback" if own else f"{base}/oidc/callback"
    query = {"redirect_uri": f"http://localhost{back}"} | ({} if own else {"provider": "op"})
    browser.auth_url = browser.client.get(start, query_string=query).get_json()["auth_url"]
    assert browser.redirect_uri == f"http://localhost{back}"
    assert browser.come_back(op.authorize(browser.auth_url)).status_code == 200


def test_the_sign_in_page_has_a_button_for_every_provider_in_use(house: House, op: Rogue) -> None:
    house.add(op, "switched-off", enabled=False)
    with house.app.app_context():
        (button,) = house.app.extensions["st"].plugins.call("oidc", "st_login_methods")
    assert (button.name, button.label, button.kind) == ("op", "op", "oidc")
    page = house.browser().client.get("/login").text
    assert f"{BASE}/oidc/op/start?next=/" in page
    assert "switched-off" not in page


def test_leaving_ends_the_session_here_and_leads_to_the_provider(house: House, op: Rogue) -> None:
    browser = house.browser()
    browser.sign_in(op)
    csrf = browser.client.get_cookie("csrf_token").value
    answer = browser.client.post(
        f"{BASE}/oidc/logout", json={}, headers={"X-CSRF-Token": csrf}
    ).get_json()
    url = urlsplit(answer["logout_url"])
    query = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{op.issuer}/end"
    assert query["x"] == ["1"]
    assert query["id_token_hint"][0] in op.given
    assert query["post_logout_redirect_uri"] == ["http://localhost/login"]
    assert query["client_id"] == [CLIENT]
    assert browser.who()["authenticated"] is False
    assert browser.session() is None


def test_a_registered_address_of_another_name_is_used_as_it_is(house: House, op: Rogue) -> None:
    outside = f"https://train.example.org{BASE}/oidc/op/callback"
    house.change(config={"redirect_url": outside})
    browser = house.browser()
    browser.begin()
    assert browser.redirect_uri == outside
    assert browser.come_back(op.authorize(browser.auth_url)).status_code == 200


def test_a_test_of_the_settings_says_which_step_failed(house: House, op: Rogue) -> None:
    def steps() -> dict[str, bool]:
        with house.app.app_context():
            return {step.name: step.passed for step in auth_providers.test("op")[0]}

    assert steps() == {"address": True, "discovery": True, "keys": True, "client": True}
    op.instead = {"/token": (401, {}, json.dumps({"error": "invalid_client"}).encode())}
    assert steps()["client"] is False
    op.discovery = {"issuer": f"{op.issuer}/"}
    assert steps() == {"address": True, "discovery": False}
