"""A real OpenID provider on loopback: npm `oidc-provider` in Node, with a sign-in form of its own.

`make services` installs its packages into the virtual environment, outside the sources.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from .service import Missing, Service, free_ports

SCRIPT = Path(__file__).with_name("oidc") / "provider.mjs"
MODULES = Path(sys.prefix) / "testbed" / "oidc" / "node_modules"

ALICE: dict[str, Any] = {
    "password": "pw",
    "name": "Alice Adams",
    "preferred_username": "alice",
    "email": "alice@example.org",
    "email_verified": True,
    "groups": ["ml-users", "ml-admins"],
    "realm_access": {"roles": ["trainer", "approver"]},
}
BOB: dict[str, Any] = {
    "password": "pw",
    "name": "Bob Brown",
    "preferred_username": "bob",
    "email": "bob@example.org",
    "email_verified": False,
    "groups": ["ml-users"],
    "realm_access": {"roles": ["trainer"]},
}


class OpenIdProvider(Service):
    """A provider with one client, which may come back to `redirect_uris`, and two accounts."""

    name = "openid"
    client_id, client_secret = "server", "s" * 40

    def __init__(
        self,
        redirect_uris: Sequence[str],
        signed_out_uris: Sequence[str] = (),
        *,
        groups_in_userinfo_only: bool = False,
    ) -> None:
        super().__init__()
        self.redirect_uris, self.signed_out_uris = list(redirect_uris), list(signed_out_uris)
        self.conform = groups_in_userinfo_only
        self.accounts: dict[str, dict[str, Any]] = {"alice": dict(ALICE), "bob": dict(BOB)}

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait for its discovery document. Raises Missing when it is not installed."""
        node = shutil.which("node")
        if node is None or not (MODULES / "oidc-provider").is_dir():
            raise Missing("No oidc-provider or no Node.js: `make services` installs both.")
        (self.port,) = free_ports(1)
        config = {
            "port": self.port,
            "modules": str(MODULES),
            "accounts": str(self.change({})),
            "conform": self.conform,
            "clients": [self._client()],
        }
        self.spawn([node, SCRIPT, self.write("config.json", json.dumps(config))])
        self.wait(self._answers)

    def change(self, accounts: Mapping[str, Mapping[str, Any]]) -> Path:
        """Change accounts (`{"alice": {"groups": []}}`); it holds from the next sign-in on."""
        for name, claims in accounts.items():
            self.accounts[name] = self.accounts.get(name, {}) | dict(claims)
        return self.write("accounts.json", json.dumps(self.accounts))

    def _client(self) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uris": self.redirect_uris,
            "post_logout_redirect_uris": self.signed_out_uris,
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "client_secret_basic",
        }

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False
