"""A browser for tests: a client that keeps cookies and sends what our own pages send."""

from __future__ import annotations

from typing import Any

from flask import Flask

from st_core.db import db, unit_of_work
from st_core.models import User
from st_core.services import passwords
from st_core.testing import people

PASSWORD = "correct horse battery"
HERE = "http://localhost"


class Browser:
    """One browser; `base` is where it finds the server, `address` where it calls from."""

    def __init__(
        self,
        app: Flask,
        address: str = "203.0.113.7",
        base: str = HERE,
        agent: str = "Firefox/140.0",
    ) -> None:
        self.client = app.test_client()
        self.address, self.base, self.agent = address, base, agent

    def open(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        """Call `path` as a script of our page does; headers by keyword, `_` for the hyphen."""
        sent = {
            "User-Agent": self.agent,
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
        }
        if method != "GET":
            sent |= {"Origin": self.base, "X-CSRF-Token": self.cookie("csrf_token") or ""}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            path,
            method=method,
            base_url=self.base,
            json={} if body is None and method != "GET" else body,
            headers={name: value for name, value in sent.items() if value},
            environ_overrides={"REMOTE_ADDR": self.address},
        )

    def get(self, path: str, **headers: str) -> Any:
        """Read `path`."""
        return self.open(path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Post JSON to `path`."""
        return self.open(path, "POST", body, **headers)

    def delete(self, path: str) -> Any:
        """Delete `path`."""
        return self.open(path, "DELETE")

    def visit(self) -> Browser:
        """Open the sign-in page, which brings the token that writes repeat."""
        self.get("/login", Accept="text/html", Sec_Fetch_Site="none", Sec_Fetch_Mode="navigate")
        return self

    def sign_in(self, username: str, password: str = PASSWORD, **body: Any) -> Any:
        """Sign in and return the answer."""
        self.visit()
        return self.post("/api/auth/login", {"username": username, "password": password} | body)

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie the browser keeps."""
        found = self.client.get_cookie(name, domain="localhost")
        return found.value if found else None


def make_person(app: Flask, level: str, username: str, password: str | None = PASSWORD) -> int:
    """Insert a user with a password and return the id."""
    user_id = people.make_user(app, level, username)
    with app.app_context(), unit_of_work():
        hashed = passwords.hash(password) if password else None
        db.session.get_one(User, user_id).password_hash = hashed
    return user_id
