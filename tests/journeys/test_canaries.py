"""Secrets planted wherever a secret goes in come out nowhere: not in the database's files, the log,
events, pages, answers, or the arguments of a process.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest

from st_core.testing.server import ServerProcess

pytestmark = pytest.mark.slow

LINK = re.compile(r'\b(?:href|src)="(/[^"#]*)')
NUMBER = re.compile(r"{\w*(?:id|number)}")
#: What is planted as it is: the field that takes it, and its text.
PLANTED = {
    "password of the first admin": "canary-Admin-passphrase-7f3a",
    "password of a user": "canary-User-passphrase-19cc",
    "a new password": "canary-New-passphrase-55d0",
    "OIDC client secret": "canary-oidc-client-secret-a21b",
    "LDAP bind password": "canary-ldap-bind-password-e8f4",
    "credential of a provider": "canary-provider-token-0b77",
    "token of the audit log's webhook": "canary-audit-webhook-token-c3d9",
    "password of a failed sign-in": "canary-mistyped-passphrase-d41e",
    "name of a failed sign-in": "canary-password-in-the-wrong-field-2a6b",
}


class Office:
    """A server with every secret planted; `known` grows by those the server makes itself."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.known = dict(PLANTED)
        self.client = server.client(timeout=60)
        self._plant()

    def _plant(self) -> None:
        person = {"email": "ada@example.org", "username": "ada-first"}
        password = PLANTED["password of the first admin"]
        entered = self.post("/api/auth/setup/first-admin", person | {"password": password})
        self.keep("session", entered.cookies["simpletuner_session"])
        self.client.headers["X-CSRF-Token"] = self._csrf()
        made = self.post("/api/auth/api-keys", {"name": "canary"}).json()["key"]
        self.keep("API key", made)
        self._people()
        self._providers()
        self._second_factor()
        for wrong in (
            {"username": "ada-first", "password": PLANTED["password of a failed sign-in"]},
            {"username": PLANTED["name of a failed sign-in"], "password": "x" * 12},
        ):
            refused = self.server.client().post("/api/auth/login", json=wrong)
            assert refused.status_code == 401

    def _people(self) -> None:
        person = {"email": "bob@example.org", "username": "bob-second"}
        bob = person | {"password": PLANTED["password of a user"]}
        user = self.post("/api/users", bob).json()["id"]
        new = {"password": PLANTED["a new password"]}
        assert self.client.patch(f"/api/users/{user}", json=new).is_success
        link = self.post(f"/api/users/{user}/password-reset", {}).json()
        self.keep("reset link", link["token"])
        link = self.post("/api/users/invitations", {"email": "new@example.org"}).json()
        self.keep("invitation", link["token"])
        self.post(
            "/api/users/me/credentials",
            {
                "provider": "replicate",
                "credential_name": "api_token",
                "value": PLANTED["credential of a provider"],
            },
        )

    def _providers(self) -> None:
        providers = "/api/auth/external/providers"
        keycloak = {
            "issuer": "https://keycloak.example.com/realms/x",
            "client_id": "simpletuner",
            "client_secret": PLANTED["OIDC client secret"],
        }
        self.post(providers, {"name": "keycloak", "provider_type": "oidc", "config": keycloak})
        directory = {
            "server": "ldaps://ldap.example.com:636",
            "base_dn": "DC=example,DC=com",
            "bind_dn": "CN=svc,DC=example,DC=com",
            "bind_password": PLANTED["LDAP bind password"],
        }
        self.post(providers, {"name": "ad", "provider_type": "ldap", "config": directory})
        sink = {
            "webhook_url": "https://siem.example.com/in",
            "auth_token": PLANTED["token of the audit log's webhook"],
        }
        self.post("/api/audit/export-config", sink)

    def _second_factor(self) -> None:
        enrolled = self.post("/api/auth/second-factor/enrol", {}).json()
        self.keep("key of the second factor", enrolled["secret"])

    def post(self, path: str, body: Any) -> httpx.Response:
        """Return a successful answer to a POST."""
        answer = self.client.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def keep(self, what: str, secret: str) -> None:
        """Look for this one, too."""
        assert len(secret) > 12, what
        self.known[what] = secret

    def _csrf(self) -> str:
        self.client.get("/jobs", headers={"Accept": "text/html"})
        return self.client.cookies["csrf_token"]

    def found_in(self, content: bytes) -> list[str]:
        """Name the secrets that stand in `content`, as they are or in a common disguise."""
        return [
            what
            for what, secret in self.known.items()
            if any(form in content for form in forms(secret))
        ]


def forms(secret: str) -> set[bytes]:
    """Return a secret as it may be written down: plain, base64, hexadecimal, in an address."""
    plain = secret.encode()
    return {
        plain,
        plain[::-1],
        base64.b64encode(plain).rstrip(b"="),
        plain.hex().encode(),
        quote(secret).encode(),
    }


@pytest.fixture
def office(server: Callable[..., ServerProcess]) -> Office:
    return Office(server(rate_limit__calls=0).start())


def test_no_planted_secret_is_found_anywhere(office: Office) -> None:
    looked = {"files": files, "answers": answers, "pages": pages}
    told = {kind: list(look(office)) for kind, look in looked.items()}
    for kind, contents in told.items():  # what is no secret is found there: the search works
        assert any(b"ada-first" in content for _, content in contents), kind
    told["arguments"] = list(arguments())
    leaks = [
        f"{what} in {where}"
        for contents in told.values()
        for where, content in contents
        for what in office.found_in(content)
    ]
    assert leaks == []
    assert len(office.known) == len(PLANTED) + 5


def files(office: Office) -> Iterator[tuple[str, bytes]]:
    """Give every file of the state folder: database, log, keys, workspaces."""
    folder = office.server.state_dir
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert {"app.db", "server.out"} <= {path.name for path in found}
    for path in found:
        yield str(path.relative_to(folder)), Path(path).read_bytes()


def answers(office: Office) -> Iterator[tuple[str, bytes]]:
    """Give the answer of every route of the API that only reads."""
    document = office.client.get("/api/openapi.json").json()
    asked = 0
    for path, methods in document["paths"].items():
        reads = methods.get("get")
        if reads is None or "text/event-stream" in str(reads["responses"]):
            continue
        asked += 1
        real = (
            NUMBER.sub("1", path).replace("{name}", "keycloak").replace("{provider}", "local_gpu")
        )
        yield f"GET {real}", office.client.get(real).content
    assert asked > 60


def pages(office: Office) -> Iterator[tuple[str, bytes]]:
    """Give every page that is reached from the start page."""
    seen: set[str] = set()
    waiting = ["/", "/profile", "/admin/users", "/admin/auth", "/admin/auth/keycloak"]
    while waiting and len(seen) < 120:
        path = waiting.pop(0)
        if path in seen or path.startswith(("/api/", "/static/")):
            continue
        seen.add(path)
        answer = office.client.get(path, follow_redirects=True, headers={"Accept": "text/html"})
        waiting += [link.replace("&amp;", "&") for link in LINK.findall(answer.text)]
        yield f"page {path}", answer.content
    assert len(seen) > 15


def arguments() -> Iterator[tuple[str, bytes]]:
    """Give the command line of every process of this machine."""
    for process in psutil.process_iter(["cmdline"]):
        line = "\0".join(process.info["cmdline"] or ())
        yield f"arguments of {process.pid}", line.encode("utf-8", "surrogateescape")
