"""Whoever has no password here confirms at their provider, and comes back to the page, in a real
browser."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from st_core.testing.server import ServerProcess
from tests.testbed.chromium import axe_findings

pytestmark = pytest.mark.slow
API = "/api/auth/external"
ADMIN = {"username": "ines", "email": "ines@meridian.example", "password": "correct horse battery"}
PLACE = "/admin/auth/keycloak"


@pytest.fixture
def cookies(server: Callable[..., ServerProcess]) -> tuple[ServerProcess, list[dict[str, Any]]]:
    """A server, and the cookies of an administrator who came in through keycloak an hour ago."""
    running = server(plugins=["oidc"], network__allowed_private=["127.0.0.1"]).start()
    with running.client() as client:
        assert client.post("/api/auth/setup/first-admin", json=ADMIN).is_success
        client.get("/login", headers={"Accept": "text/html"})
        config = {"issuer": "http://127.0.0.1:9", "client_id": "simpletuner"}
        body = {"name": "keycloak", "provider_type": "oidc", "config": config}
        token = {"X-CSRF-Token": client.cookies["csrf_token"], "Origin": running.base_url}
        assert client.post(f"{API}/providers", json=body, headers=token).is_success
        pairs = [
            {"name": k, "value": v, "url": running.base_url} for k, v in client.cookies.items()
        ]
    with sqlite3.connect(running.state_dir / "app.db", timeout=30) as database:
        database.execute("UPDATE session SET method = 'oidc', confirmed_at = NULL, provider_id = 1")
        database.execute("UPDATE user_account SET auth_provider = 'oidc', password_hash = NULL")
    return running, pairs


def test_the_dialog_leads_to_the_provider_and_back_to_the_page(
    cookies: tuple[ServerProcess, list[dict[str, Any]]], open_page: Callable[..., Page]
) -> None:
    running, pairs = cookies
    page = open_page(running, "/login", may_complain=True)
    page.context.add_cookies(pairs)
    page.goto(PLACE)
    page.locator("html[data-ready]").wait_for(state="attached")
    page.get_by_role("button", name="Delete…").press("Enter")
    page.locator("#ask [data-yes]").press("Enter")
    dialog = page.locator("#confirm")
    go = dialog.get_by_role("link", name="Continue with Keycloak")
    expect(go).to_be_focused()
    expect(dialog.get_by_role("button", name="Confirm")).to_be_hidden()
    expect(dialog.locator("input")).to_be_hidden()
    start = f"{API}/oidc/keycloak/start?again=1&next=%2Fadmin%2Fauth%2Fkeycloak"
    expect(go).to_have_attribute("href", start)
    assert axe_findings(page) == []


def test_the_address_to_register_follows_the_name_as_it_is_typed(
    cookies: tuple[ServerProcess, list[dict[str, Any]]], open_page: Callable[..., Page]
) -> None:
    running, pairs = cookies
    page = open_page(running, "/login")
    page.context.add_cookies(pairs)
    page.goto("/admin/auth/new?kind=oidc")
    page.locator("html[data-ready]").wait_for(state="attached")
    page.locator("#p-name").fill("our own")
    address = f"{running.base_url}{API}/oidc/our%20own/callback"
    shown = page.locator("#addresses .command").first
    expect(shown).to_have_text(address)
    expect(shown.get_by_role("button")).to_have_attribute("data-copy", address)
    assert axe_findings(page) == []
