"""The guide's directory over HTTP, as printed: added, tested, and people signed in with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.models import Event
from st_core.services import auth_providers
from tests.testbed.slapd import Slapd

GUIDE = """{
    "name": "corporate-ad",
    "provider_type": "ldap",
    "enabled": true,
    "level_mapping": {
      "CN=ML-Admins,OU=Groups,DC=corp,DC=com": ["admin"]
    },
    "config": {
      "server": "ldaps://ldap.corp.com:636",
      "base_dn": "DC=corp,DC=com",
      "bind_dn": "CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com",
      "bind_password": "service-account-password",
      "user_search_filter": "(sAMAccountName={username})",
      "use_ssl": true
    }
  }"""
BASES = ("/api/auth/external", "/api/cloud/external-auth")


@pytest.fixture
def corporate_ad(slapd: Slapd, as_user: Callable[..., Any]) -> Any:
    """The guide's provider, with the host of this machine; returns the administrator's client."""
    admin = as_user("admin")
    wanted = json.loads(GUIDE)
    wanted["config"]["server"] = slapd.tls_url
    assert admin.post(f"{BASES[1]}/providers", json=wanted).status_code == 201
    return admin


def failures(app: Flask) -> list[dict[str, Any]]:
    with app.app_context():
        query = select(Event.data).where(Event.name == "auth.login_failure").order_by(Event.id)
        return list(db.session.scalars(query))


@pytest.mark.parametrize("base", BASES)
def test_the_guides_request_is_answered_as_printed_without_a_content_type(
    app: Flask, as_user: Callable[..., Any], base: str
) -> None:
    admin = as_user("admin")
    made = admin.open(f"{base}/providers", method="POST", data=GUIDE)
    assert made.status_code == 201, made.text
    assert made.json["level_mapping"] == {"admin": ["CN=ML-Admins,OU=Groups,DC=corp,DC=com"]}
    assert "service-account-password" not in made.text
    assert admin.get("/api/auth/external/available").json["ldap"] == ["corporate-ad"]
    assert admin.get("/api/users/meta/auth-status").json["has_external_providers"] is True


@pytest.mark.parametrize("base", BASES)
def test_people_sign_in_and_have_the_levels_of_their_groups(
    app: Flask, corporate_ad: Any, base: str
) -> None:
    for name, level in (("alice", "admin"), ("bob", "researcher")):
        client = app.test_client()
        body = {"username": name, "password": f"{name}-pw"}
        answer = client.post(f"{base}/ldap/login", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json["success"] is True
        assert answer.json["user"]["auth_provider"] == "ldap"
        assert [each["name"] for each in answer.json["user"]["levels"]] == [level]
        assert client.get("/api/auth/me").json["username"] == name
        assert "session" not in answer.json
    again = app.test_client()
    body = {"username": "alice", "password": "alice-pw", "provider": "corporate-ad"}
    assert again.post("/api/auth/login", json=body).status_code == 200
    assert again.get("/api/auth/me").json["username"] == "alice"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"username": "alice", "password": "wrong"}, "invalidCredentials"),
        ({"username": "dave", "password": "dave-pw"}, "disabled"),
        ({"username": "nobody", "password": "x"}, "unknown name"),
        ({"username": "*", "password": "alice-pw"}, "unknown name"),
        ({"username": "alice", "password": "\u00ad"}, "the password"),
    ],
)
def test_who_is_refused_hears_one_sentence_and_the_journal_the_reason(
    app: Flask, corporate_ad: Any, body: dict[str, str], reason: str
) -> None:
    answer = app.test_client().post(f"{BASES[0]}/ldap/login", json=body)
    assert answer.status_code == 401
    assert answer.json["detail"] == "Invalid username or password"
    (told,) = failures(app)
    assert reason in told["reason"]
    assert body["password"] not in told["reason"]


def test_an_empty_password_is_malformed(app: Flask, corporate_ad: Any) -> None:
    body = {"username": "alice", "password": ""}
    assert app.test_client().post(f"{BASES[0]}/ldap/login", json=body).status_code == 422


def test_guessing_at_a_directory_is_slowed_down(app: Flask, corporate_ad: Any) -> None:
    client = app.test_client()
    body = {"username": "alice", "password": "wrong"}
    statuses = [client.post(f"{BASES[0]}/ldap/login", json=body).status_code for _ in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_a_directory_that_is_away_is_told_to_administrators_only(
    app: Flask, corporate_ad: Any, slapd: Slapd
) -> None:
    wrong = {"config": json.loads(GUIDE)["config"] | {"server": "ldaps://127.0.0.1:1"}}
    assert corporate_ad.patch(f"{BASES[0]}/providers/corporate-ad", json=wrong).status_code == 200
    body = {"username": "alice", "password": "alice-pw"}
    answer = app.test_client().post(f"{BASES[0]}/ldap/login", json=body)
    assert answer.status_code == 401
    assert "127.0.0.1" not in answer.text
    assert "does not answer" in failures(app)[0]["reason"]


def test_no_secret_of_a_directory_or_a_person_is_stored_or_told(
    app: Flask, corporate_ad: Any, state_dir: Any, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ("service-account-password", "alice-pw", "wrong-canary-pw")
    texts = [
        corporate_ad.get(f"{BASES[0]}/providers/corporate-ad{end}").text for end in ("", "/test")
    ]
    for password in ("alice-pw", "wrong-canary-pw"):
        body = {"username": "alice", "password": password}
        texts.append(app.test_client().post(f"{BASES[0]}/ldap/login", json=body).text)
    texts.append(corporate_ad.get("/api/events/recent").text)
    texts.append(caplog.text)
    stored = [path.read_bytes() for path in state_dir.rglob("*") if path.is_file()]
    url = app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")
    from pathlib import Path

    stored += [path.read_bytes() for path in Path(url).parent.glob(f"{Path(url).name}*")]
    for secret in secrets:
        assert all(secret not in text for text in texts)
        assert all(secret.encode() not in content for content in stored)


def test_a_provider_that_was_switched_off_is_no_way_in(app: Flask, corporate_ad: Any) -> None:
    client = app.test_client()
    body = {"username": "bob", "password": "bob-pw"}
    assert client.post(f"{BASES[0]}/ldap/login", json=body).status_code == 200
    off = {"enabled": False}
    assert corporate_ad.patch(f"{BASES[0]}/providers/corporate-ad", json=off).status_code == 200
    assert client.get("/api/auth/check").json["authenticated"] is False
    assert app.test_client().post(f"{BASES[0]}/ldap/login", json=body).status_code == 401
    with app.app_context():
        assert auth_providers.enabled("ldap") == []
