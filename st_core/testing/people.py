"""People for tests: real users with a level, their viewer, and a client that acts as one."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import select

from ..contracts import Viewer
from ..db import db, unit_of_work
from ..models import Level, User
from ..services import api_keys, users


class CarefulClient(FlaskClient):
    """A test client that refuses to be used while an application context is open.

    Flask-Login keeps the user in `g`: with a context around it, each request would be answered as
    the first one's user, and a test of permissions would lie.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request. Raises AssertionError inside an application context."""
        assert not has_app_context(), "leave the application context before using the client"
        return super().open(*args, **kwargs)


class UserClient(CarefulClient):
    """A client that sends `api_key` with every request."""

    api_key = ""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request as the key's owner."""
        self.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.api_key}"
        return super().open(*args, **kwargs)


def make_user(app: Flask, level: str, username: str | None = None) -> int:
    """Insert a user with `level` and return the id."""
    with app.app_context(), unit_of_work():
        users.ensure_levels()
        db.session.flush()
        name = username or _free_name(level)
        user = User(
            username=name,
            email=f"{name}@example.org",
            display_name=name.title(),
            levels=[db.session.scalars(select(Level).where(Level.name == level)).one()],
        )
        db.session.add(user)
        db.session.flush()
        return user.id


def viewer_of(app: Flask, user_id: int) -> Viewer:
    """Return the viewer of a user, signed in by a session."""
    with app.app_context():
        return users.viewer_of(db.session.get_one(User, user_id), "session")


def client_of(app: Flask, user_id: int) -> UserClient:
    """Return a client that acts as a user, through an API key."""
    with app.app_context():
        _, key = api_keys.create(user_id, "for a test")
    client = UserClient(app, app.response_class, use_cookies=True)
    client.api_key = key
    return client


def _free_name(level: str) -> str:
    taken = set(db.session.scalars(select(User.username)))
    return next(name for n in range(1, 10_000) if (name := f"{level}{n}") not in taken)
