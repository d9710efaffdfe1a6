"""A server with the plugin, a rogue provider beside it, and browsers that sign in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db
from st_core.models import Event
from st_core.services import auth_providers
from st_core.services.auth_providers import Wanted

from .rogue import CLIENT, SECRET, Rogue, come_back

BASE = "/api/auth/external"


@dataclass
class Browser:
    """One browser at a server: a test client with cookies, and where a sign-in takes it."""

    client: Any
    auth_url: str = ""
    accept: str = "application/json"

    def begin(self, provider: str = "op", **query: str) -> Any:
        """Press the provider's button; remember where it leads."""
        answer = self.client.get(
            f"{BASE}/oidc/{provider}/start", query_string=query, headers={"Accept": self.accept}
        )
        if answer.status_code == 200:
            self.auth_url = answer.get_json()["auth_url"]
        return answer

    @property
    def redirect_uri(self) -> str:
        """Where the provider was told to send this browser back to."""
        return dict(parse_qsl(urlsplit(self.auth_url).query))["redirect_uri"]

    def come_back(self, returned: dict[str, str], path: str = "", more: str = "") -> Any:
        """Come back from the provider with these parameters."""
        url = come_back(f"http://localhost{path}" if path else self.redirect_uri, returned)
        return self.client.get(url + more, headers={"Accept": self.accept})

    def sign_in(self, op: Rogue, provider: str = "op", **query: str) -> Any:
        """Go the whole way at `op`; return the last answer, which may be an early refusal."""
        begun = self.begin(provider, **query)
        if begun.status_code != 200:
            return begun
        return self.come_back(op.authorize(self.auth_url))

    def session(self) -> str | None:
        """Return the session's cookie, None without one."""
        cookie = self.client.get_cookie("simpletuner_session")
        return cookie.value if cookie else None

    def who(self) -> dict[str, Any]:
        """Return who the server takes this browser for."""
        found: dict[str, Any] = self.client.get("/api/auth/check").get_json()
        return found


@dataclass
class House:
    """The server under test, its administrator, and ways to look into it."""

    app: Flask
    admin: Viewer
    records: dict[str, Any] = field(default_factory=dict)

    def browser(self, address: str = "127.0.0.1") -> Browser:
        """Open a new browser at that address."""
        client = self.app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return Browser(client)

    def add(self, op: Rogue, name: str = "op", **record: Any) -> None:
        """Add a provider as an administrator does."""
        config = {"issuer": op.issuer, "client_id": CLIENT, "client_secret": SECRET}
        record["config"] = config | record.get("config", {})
        mapping = {"admin": ["ml-admins"], "researcher": ["ml-users"]}
        self.records[name] = {"level_mapping": mapping, "default_levels": [], **record}
        with self.app.app_context():
            wanted = Wanted(**self.records[name])
            auth_providers.create(self.admin, name, "oidc", wanted)

    def change(self, name: str = "op", **record: Any) -> None:
        """Change a provider as an administrator does; `config` names what changes in it."""
        record["config"] = self.records[name]["config"] | record.get("config", {})
        self.records[name] |= record
        with self.app.app_context():
            auth_providers.change(self.admin, name, Wanted(**self.records[name]))

    def events(self, name: str = "auth.login_failure") -> list[Event]:
        """Return the events of that name, oldest first."""
        with self.app.app_context():
            query = select(Event).where(Event.name == name).order_by(Event.id)
            return list(db.session.scalars(query))


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server that may ask providers on this machine."""
    return make_app(plugins=["oidc"], network__allowed_private=["127.0.0.0/8"])


@pytest.fixture
def house(app: Flask, viewer: Callable[..., Viewer]) -> House:
    """The server with an administrator."""
    return House(app, viewer("admin"))


@pytest.fixture
def op(house: House) -> Iterator[Rogue]:
    """An OpenID provider that the server knows as `op`."""
    with Rogue() as provider:
        house.add(provider)
        yield provider
