"""A real OpenID provider over HTTP, a real server and a real browser between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from st_core.testing.server import ServerProcess
from tests.testbed.chromium import Complaints
from tests.testbed.openid import OpenIdProvider

pytestmark = pytest.mark.slow
BASE = "/api/auth/external"
PATIENCE_MS = 60_000
FIRST = {"username": "root", "email": "root@example.org", "password": "correct horse battery"}


@pytest.fixture
def running(server: Callable[..., ServerProcess]) -> ServerProcess:
    """A server with its first administrator and nobody else."""
    started = server(plugins=["oidc"], network__allowed_private=["127.0.0.1"]).start()
    with started.client() as client:
        answer = client.post("/api/auth/setup/first-admin", json=FIRST)
        assert answer.is_success, answer.text
    return started


@pytest.fixture
def op(running: ServerProcess) -> Iterator[OpenIdProvider]:
    """A provider that knows the server."""
    back = f"{running.base_url}{BASE}/oidc/op/callback"
    with OpenIdProvider([back], [f"{running.base_url}/login"]) as provider:
        yield provider


def add(server: ServerProcess, op: OpenIdProvider, **record: Any) -> None:
    """Add the provider as the administrator does."""
    with server.client() as client:
        known = {name: FIRST[name] for name in ("username", "password")}
        entered = client.post("/api/auth/login", json=known)
        assert entered.is_success, entered.text
        body = {
            "name": "op",
            "provider_type": "oidc",
            "level_mapping": {"admin": ["ml-admins"], "researcher": ["ml-users"]},
            "default_levels": [],
            "config": {
                "issuer": op.issuer,
                "client_id": op.client_id,
                "client_secret": op.client_secret,
                "scopes": ["openid", "email", "profile", "groups", "roles"],
            },
            **record,
        }
        token = client.cookies["csrf_token"]
        made = client.post(f"{BASE}/providers", json=body, headers={"X-CSRF-Token": token})
        assert made.status_code == 201, made.text
        tested = client.get(f"{BASE}/providers/op/test").json()
        assert tested["success"] is True, tested


@pytest.fixture
def page(browser: Browser, running: ServerProcess) -> Iterator[Page]:
    """A browser's page at the server, which must not complain."""
    context = browser.new_context(base_url=running.base_url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    complaints = Complaints()
    complaints.follow(page)
    yield page
    context.close()
    assert complaints.texts == []


def sign_in(
    page: Page, server: ServerProcess, name: str = "alice", after: str = "/profile"
) -> None:
    """Press the button, sign in at the provider, and come back to `after`."""
    page.goto(f"/login?next={after}")
    page.get_by_role("link", name="Continue with op").click()
    page.get_by_label("User").fill(name)
    page.get_by_label("Password").fill("pw")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.base_url}{after}")


def sign_out(page: Page) -> None:
    """Sign out here and at the provider, and come back to the sign-in page."""
    page.goto("/profile")
    page.locator("html[data-ready]").wait_for(state="attached")
    page.locator("main").get_by_role("button", name="Sign out").click()
    page.locator("form[id='op.logoutForm']").wait_for(state="attached")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url("**/login*")


def levels(page: Page) -> list[str]:
    """Return the levels of whoever is signed in."""
    answer = page.request.get("/api/auth/me")
    assert answer.status == 200, answer.text()
    return sorted(level["name"] for level in answer.json()["levels"])


def test_people_sign_in_lose_a_level_with_the_group_and_sign_out(
    running: ServerProcess, op: OpenIdProvider, page: Page
) -> None:
    add(running, op)
    sign_in(page, running, after="/jobs")
    me = page.request.get("/api/auth/me").json()
    assert (me["username"], me["display_name"]) == ("alice", "Alice Adams")
    assert (me["email"], me["email_verified"]) == ("alice@example.org", True)
    assert levels(page) == ["admin", "researcher"]

    # who is signed in already may sign in again; the provider remembers, and asks nothing
    page.goto("/login?again=1&next=/profile")
    page.get_by_role("link", name="Continue with op").click()
    page.wait_for_url(f"{running.base_url}/profile")
    assert levels(page) == ["admin", "researcher"]

    op.change({"alice": {"groups": ["ml-users"]}})
    sign_out(page)
    assert page.request.get("/api/auth/me").status == 401
    sign_in(page, running)
    assert levels(page) == ["researcher"]
    assert page.request.get(f"{BASE}/providers").status == 403

    op.change({"alice": {"groups": []}})
    sign_out(page)
    sign_in(page, running, after="/profile")
    assert levels(page) == []


def test_roles_are_read_from_a_dotted_claim_of_userinfo(
    running: ServerProcess, op: OpenIdProvider, page: Page
) -> None:
    op.stop()
    with OpenIdProvider(op.redirect_uris, groups_in_userinfo_only=True) as conforming:
        config = {
            "issuer": conforming.issuer,
            "client_id": conforming.client_id,
            "client_secret": conforming.client_secret,
            "scopes": ["openid", "email", "profile", "roles"],
            "roles_claim": "realm_access.roles",
        }
        add(running, conforming, config=config, level_mapping={"trainer": ["lead"]})
        sign_in(page, running, "bob", after="/profile")
        assert levels(page) == ["lead"]
        email = page.request.get("/api/auth/me").json()["email"]
        assert email != "bob@example.org"  # the provider does not vouch for it


def test_a_refusal_of_the_provider_is_a_page_that_says_so(
    running: ServerProcess, op: OpenIdProvider, browser: Browser
) -> None:
    add(running, op)
    page = browser.new_page(base_url=running.base_url)
    page.goto("/login")
    page.get_by_role("link", name="Continue with op").click()
    page.get_by_label("User").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Sign-in failed")
    expect(page.locator("main")).to_contain_text("access_denied: wrong user or password")
    expect(page.locator("main")).to_contain_text("oidc_declined")
    page.reload()
    expect(page.locator("main")).to_contain_text("Invalid OAuth state")
    page.get_by_role("link", name="Back to the sign-in page").click()
    page.wait_for_url("**/login")
    page.context.close()
