"""Every route says who may use it, and the list of those open to all is short and known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.api.routing import ALWAYS, PUBLIC, SIGNED_IN, declared_for, is_static

#: The ways through an OpenID provider, below both bases.
THROUGH_OIDC = {
    f"{base}/oidc/{ending}"
    for base in ("/api/auth/external", "/api/cloud/external-auth")
    for ending in (
        *("start", "callback", "callback-redirect"),
        *("<provider>/start", "<provider>/callback"),
    )
}
#: What a caller without any credential is answered, on a server with accounts.
OPEN_PATHS = {
    "/health",
    "/api/cloud/health",
    "/api/cloud/health/live",
    "/api/cloud/health/ready",
    "/api/metrics/health",
    "/api/metrics/health/live",
    "/api/metrics/health/ready",
    "/api/auth/check",
    "/api/auth/external/available",
    "/api/auth/external/ldap/login",
    "/api/cloud/external-auth/available",
    "/api/cloud/external-auth/ldap/login",
    "/api/auth/invitations/accept",
    "/api/auth/links/show",
    "/api/auth/login",
    "/api/auth/logout",
    "/api/auth/password-reset",
    "/api/auth/register",
    "/api/auth/second-factor",
    "/api/auth/setup/first-admin",
    "/api/auth/setup/status",
    "/api/users/meta/auth-status",
    "/api/version",
    "/first-run",
    "/invitation",
    "/login",
    "/register",
    "/reset-password",
    "/static/core/<version>/<path:path>",
    "/static/core/<version>/frame.svg",
}


def declarations(app: Flask) -> list[tuple[str, Any]]:
    """Return (path, declaration) of every rule but Flask's own static files."""
    with app.app_context():
        return [
            (rule.rule, declared_for(rule.endpoint))
            for rule in app.url_map.iter_rules()
            if not is_static(rule.endpoint)
        ]


def test_every_route_declares_who_may_use_it(app: Flask) -> None:
    assert [path for path, declared in declarations(app) if declared is None] == []


def test_every_permission_a_route_asks_for_is_known(app: Flask) -> None:
    known = set(app.extensions["st"].permissions)
    asked = {name for _, declared in declarations(app) for name in declared.permissions}
    assert asked - known == set()


def test_only_the_listed_routes_are_open_to_everybody(app: Flask) -> None:
    found = {path for path, declared in declarations(app) if declared.is_open}
    assert found == OPEN_PATHS | THROUGH_OIDC


def test_every_json_route_says_what_it_does_and_answers(app: Flask) -> None:
    mute = [
        path
        for path, declared in declarations(app)
        if not declared.page and not (declared.summary and declared.answers)
    ]
    assert mute == []


def test_without_a_credential_a_server_with_accounts_answers_nothing_that_is_not_open(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    viewer("admin")
    client = app.test_client()
    answered = []
    for path, declared in declarations(app):
        if declared.is_open:
            continue
        url = path.replace("<int:", "<").replace("<path:", "<")
        url = "/".join("1" if part.startswith("<") else part for part in url.split("/"))
        for method in declared.methods:
            status = client.open(url, method=method, json={}).status_code
            if status not in (401, 303, 302):
                answered.append(f"{method} {url}: {status}")
    assert answered == []


@pytest.mark.parametrize("word", [ALWAYS, PUBLIC, SIGNED_IN])
def test_the_words_of_openness_are_no_permissions(app: Flask, word: str) -> None:
    assert word not in app.extensions["st"].permissions
