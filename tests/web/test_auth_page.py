"""Administration → Auth leads through: register this server, add a provider, test, map, switch
on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import Viewer
from st_core.services import auth_providers
from st_core.services.auth_providers import Wanted

from .test_pages import read, wrong_with

API = "/api/auth/external/providers"
HERE = "http://localhost"
OIDC = {"issuer": "https://id.example.com/realms/one", "client_id": "simpletuner"}
LDAP = {"server": "ldaps://ldap.example.com", "base_dn": "DC=corp,DC=com"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(["oidc", "ldap"])


@pytest.fixture
def add(app: Flask, viewer: Callable[..., Viewer]) -> Callable[..., None]:
    """Add a provider: `add("keycloak", "oidc", OIDC)`."""
    admin = viewer("admin")

    def add(name: str, kind: str, config: dict[str, Any], **more: Any) -> None:
        with app.app_context():
            auth_providers.create(admin, name, kind, Wanted(config=config, **more))

    return add


def copied(page: Any) -> list[str]:
    """Return what the page's copy buttons copy."""
    return [one.attributes["data-copy"] for one in page.elements if "data-copy" in one.attributes]


def test_a_providers_callback_address_is_told_by_page_and_api_alike(
    as_user: Any, add: Callable[..., None]
) -> None:
    add("Key Cloak", "oidc", OIDC)
    callback = f"{HERE}/api/auth/external/oidc/Key%20Cloak/callback"
    expected = {"callback": callback, "sign_out": f"{HERE}/login"}
    admin = as_user("admin", "boss")
    (listed,) = admin.get(API).get_json()["providers"]
    assert listed["addresses"] == expected
    one = admin.get("/api/cloud/external-auth/providers/Key Cloak").get_json()
    assert one["addresses"] == expected
    page = read(admin, "/admin/auth/Key Cloak")
    assert wrong_with(page) == []
    assert copied(page) == list(expected.values())
    assert callback in page.text


def test_the_address_is_the_one_the_provider_is_really_sent(
    as_user: Any, add: Callable[..., None]
) -> None:
    outside = "https://trainer.example.com/api/auth/external/oidc/keycloak/callback"
    add("keycloak", "oidc", OIDC | {"redirect_url": outside})
    (listed,) = as_user("admin", "boss").get(API).get_json()["providers"]
    sign_out = "https://trainer.example.com/login"
    assert listed["addresses"] == {"callback": outside, "sign_out": sign_out}


def test_a_directory_has_nothing_to_register(as_user: Any, add: Callable[..., None]) -> None:
    add("corp", "ldap", LDAP)
    admin = as_user("admin", "boss")
    assert admin.get(API).get_json()["providers"][0]["addresses"] == {}
    assert "Register at the provider" not in read(admin, "/admin/auth/corp").text


@pytest.mark.parametrize(("query", "name"), [("", "NAME"), ("&preset=okta", "okta")])
def test_the_address_stands_there_before_the_provider_is_added(
    as_user: Any, app: Flask, query: str, name: str
) -> None:
    page = read(as_user("admin"), f"/admin/auth/new?kind=oidc{query}")
    assert copied(page)[0] == f"{HERE}/api/auth/external/oidc/{name}/callback"
    (enabled,) = [one for one in page.elements if one.attributes.get("name") == "enabled"]
    assert "checked" not in enabled.attributes  # it is switched on once its test has passed


def test_where_there_is_no_provider_the_page_says_what_to_do(as_user: Any, app: Flask) -> None:
    page = read(as_user("admin"), "/admin/auth")
    for step in ("Register this server", "test its connection", "which groups", "Switch it on"):
        assert step in page.text
    assert "/admin/auth/new?kind=oidc" in page.links


def test_the_steps_of_a_provider_follow_what_has_been_done(
    as_user: Any, add: Callable[..., None]
) -> None:
    add("keycloak", "oidc", OIDC, enabled=False)
    admin = as_user("admin", "boss")
    before = read(admin, "/admin/auth/keycloak").text
    assert "None yet. Everybody else becomes researcher." in before
    assert "Tick Enabled, then save." in before
    admin.patch(f"{API}/keycloak", json={"enabled": True})
    assert "It is on the sign-in page." in read(admin, "/admin/auth/keycloak").text
    admin.patch(f"{API}/keycloak", json={"level_mapping": {"admin": ["root"]}})
    assert "Switch it on" not in read(admin, "/admin/auth/keycloak").text  # nothing is left to do
