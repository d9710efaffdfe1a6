"""Sign-in providers over HTTP, under both base paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.core.toy_idp import TOY

BASES = ("/api/auth/external", "/api/cloud/external-auth")
CANARY = "canary-0d7f"
TOYS = {
    "name": "toys",
    "provider_type": "toy",
    "level_mapping": {"CN=Bosses,DC=corp": ["admin"]},
    "config": {"server": "here", "password": CANARY},
}


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("toy", TOY)
    return make_app(plugins=["toy"])


@pytest.fixture
def admin(as_user: Callable[..., Any]) -> Any:
    return as_user("admin")


@pytest.mark.parametrize("base", BASES)
def test_a_provider_is_added_listed_changed_tested_and_deleted(admin: Any, base: str) -> None:
    one = f"{base}/providers/toys"
    made = admin.post(f"{base}/providers", json=TOYS)
    assert made.status_code == 201
    assert made.json["level_mapping"] == {"admin": ["CN=Bosses,DC=corp"]}
    assert made.json["default_levels"] == ["researcher"]
    listed = admin.get(f"{base}/providers")
    assert listed.json["providers"] == [
        {
            "name": "toys",
            "type": "toy",
            "enabled": True,
            "auto_create_users": True,
            "managed_by": "page",
            "addresses": {},
        }
    ]
    for method in ("get", "post"):
        tested = getattr(admin, method)(f"{one}/test")
        assert tested.json["success"] is False
        assert tested.json["error"] == "sign in: wrong password"
        assert [step["passed"] for step in tested.json["steps"]] == [True, False]
        assert tested.json["latency_ms"] >= 0
    new = {"config": {"server": "here", "password": "open sesame"}}
    assert admin.patch(one, json=new).json == {"success": True, "name": "toys"}
    assert admin.post(f"{one}/test").json["success"] is True
    assert admin.patch(one, json=TOYS | {"enabled": False}).status_code == 200
    assert admin.get(one).json["enabled"] is False
    assert admin.delete(one).json == {"success": True}
    assert admin.delete(one).status_code == admin.get(one).status_code == 404
    assert admin.post(f"{one}/test").status_code == 404


def test_no_answer_holds_a_secret_but_its_fingerprint(admin: Any) -> None:
    answers = [
        admin.post(f"{BASES[0]}/providers", json=TOYS),
        admin.get(f"{BASES[0]}/providers/toys"),
        admin.get(f"{BASES[0]}/providers"),
        admin.post(f"{BASES[0]}/providers/toys/test"),
        admin.get("/api/events/recent"),
        admin.post(f"{BASES[0]}/providers", json=TOYS),
        admin.patch(f"{BASES[0]}/providers/toys", json={"config": {"password": CANARY}}),
        admin.patch(f"{BASES[0]}/providers/toys", json={"config": {"password": [CANARY]}}),
    ]
    assert [answer.status_code for answer in answers[-3:]] == [400, 422, 422]
    assert all(CANARY not in answer.text for answer in answers)
    assert len(answers[1].json["secrets"]["password"]) == 8
    assert answers[1].json["config"] == {"server": "here", "port": 1}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider_type": "saml"}, "provider_type"),
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"config": {"sever": "x"}}, "config.sever"),
        ({"level_mapping": {"boss": ["x"]}}, "level_mapping"),
        ({"default_levels": ["boss"]}, "default_levels"),
    ],
)
def test_what_is_wrong_is_422_with_its_field(
    admin: Any, change: dict[str, Any], field: str
) -> None:
    answer = admin.post(f"{BASES[0]}/providers", json=TOYS | change)
    assert answer.status_code == 422
    assert field in [each["path"] for each in answer.json["errors"]]


def test_name_and_kind_of_a_provider_cannot_be_changed(admin: Any) -> None:
    admin.post(f"{BASES[0]}/providers", json=TOYS)
    for wrong in ({"name": "other"}, {"provider_type": "ldap"}):
        assert admin.patch(f"{BASES[0]}/providers/toys", json=wrong).status_code == 422


def test_only_who_may_configure_the_server_sees_providers(as_user: Callable[..., Any]) -> None:
    lead = as_user("lead")
    for base in BASES:
        assert lead.get(f"{base}/providers").status_code == 403
        assert lead.post(f"{base}/providers", json=TOYS).status_code == 403
        assert lead.get(f"{base}/providers/toys/test").status_code == 403


def test_kinds_bring_the_form_of_their_config(admin: Any) -> None:
    (kind,) = admin.get(f"{BASES[0]}/kinds").json["kinds"]
    assert (kind["kind"], kind["title"]) == ("toy", "Toy")
    assert kind["config_schema"]["properties"]["password"]["secret"] is True


def test_ways_in_are_told_to_everybody(app: Flask, admin: Any) -> None:
    answer = app.test_client().get(f"{BASES[1]}/available")
    assert answer.json == {"oidc": [], "ldap": [], "has_external_auth": False, "methods": []}
