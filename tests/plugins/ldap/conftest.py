"""Tests of the ldap plugin ask a real OpenLDAP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import LoginAttempt, Rejected, SignedIn, Viewer
from st_core.services import auth_providers
from st_core.services.auth_providers import Wanted
from tests.testbed.slapd import AD, ORG, SERVICE_PASSWORD, Slapd

Answer = SignedIn | Rejected | None


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    """The server; tests add people of their own and leave the others as they are."""
    with Slapd() as server:
        yield server


@pytest.fixture
def app(make_app: Callable[..., Flask], slapd: Slapd) -> Flask:
    """An app that may reach the server and trusts its authority."""
    return make_app(
        plugins=["ldap"],
        network__allowed_private=["127.0.0.1", "localhost"],
        tls__ca_bundle=str(slapd.authority.bundle),
    )


@pytest.fixture
def admin(app: Flask, viewer: Callable[..., Viewer]) -> Viewer:
    return viewer("admin", "root")


@pytest.fixture
def org(slapd: Slapd) -> dict[str, Any]:
    """The config of the directory of Unix people, over TLS."""
    return {
        "server": slapd.tls_url,
        "base_dn": ORG,
        "bind_dn": f"cn=svc,ou=services,{ORG}",
        "bind_password": SERVICE_PASSWORD,
        "user_search_filter": "(&(objectClass=inetOrgPerson)(uid={username}))",
    }


@pytest.fixture
def corp(slapd: Slapd) -> dict[str, Any]:
    """The guide's Active Directory (section 4); only the host is another."""
    return {
        "server": slapd.tls_url,
        "base_dn": "DC=corp,DC=com",
        "bind_dn": "CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com",
        "bind_password": "service-account-password",
        "user_search_filter": "(sAMAccountName={username})",
        "use_ssl": True,
    }


@pytest.fixture
def provide(app: Flask, admin: Viewer) -> Callable[..., None]:
    """Add a directory: `provide(org, level_mapping={…})`."""

    def make(config: dict[str, Any], name: str = "dir", **wanted: Any) -> None:
        with app.app_context():
            auth_providers.create(admin, name, "ldap", Wanted(config=config, **wanted))

    return make


@pytest.fixture
def ask(app: Flask) -> Callable[..., Answer]:
    """Ask the plugin whether a name and a password belong together."""

    def ask(username: str, password: str, provider: str | None = None) -> Answer:
        with app.app_context():
            plugins = app.extensions["st"].plugins
            attempt = LoginAttempt(address="127.0.0.1", provider=provider)
            return plugins.check_password(username, password, attempt)

    return ask


__all__ = ["AD"]
