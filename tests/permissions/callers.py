"""The kinds of callers, each a real account or key of one app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask

from st_core.clock import now
from st_core.db import db, unit_of_work
from st_core.models import ApiKey, PermissionOverride, User
from st_core.services import api_keys
from st_core.testing import people

from .expected import LEVELS, Caller, Route, permissions_of

OUTSIDE, INSIDE = "203.0.113.9", "10.10.0.5"
UNRELATED = "api.access"


@dataclass(frozen=True)
class Calling:
    """Somebody who sends requests: what they are called, how they send, and who they are."""

    name: str
    client: Any
    who: Caller


class Crowd:
    """Everybody who may call; accounts are made when first asked for."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._made: dict[str, Calling] = {}
        people.make_user(app, "admin", "owner-of-all")  # the server is set up

    def for_route(self, route: Route) -> list[Calling]:
        """Return every kind of caller for a route: twelve where it needs a permission."""
        found = [
            *(self.level(name) for name in LEVELS),
            self._anonymous(),
            self._deactivated(),
            self._expired(),
            self._internal(),
        ]
        if route.alternatives:
            found += [
                self._granted(route.alternatives[0]),
                self._denied(route.alternatives),
                self._scoped(route.alternatives[0]),
                self._scoped(UNRELATED if UNRELATED not in route.alternatives else "job.submit"),
            ]
        return found

    def level(self, name: str) -> Calling:
        """Return somebody of a level."""
        return self._once(name, lambda: self._person(name, name), Caller(permissions_of(name)))

    def _anonymous(self) -> Calling:
        return self._once("anonymous", lambda: self._stranger(OUTSIDE), Caller())

    def _internal(self) -> Calling:
        return self._once(
            "internal",
            lambda: self._stranger(INSIDE),
            Caller(permissions_of("viewer"), address_only=True),
        )

    def _deactivated(self) -> Calling:
        return self._once("deactivated", self._make_deactivated, Caller(refused=True))

    def _expired(self) -> Calling:
        return self._once("expired", self._make_expired, Caller(refused=True))

    def _granted(self, permission: str) -> Calling:
        held = permissions_of("viewer") | {permission}
        return self._once(
            f"viewer + {permission}",
            lambda: self._person("viewer", f"granted-{permission}", {permission: True}),
            Caller(held),
        )

    def _denied(self, taken: tuple[str, ...]) -> Calling:
        return self._once(
            f"admin - {taken}",
            lambda: self._person("admin", f"denied-{taken[0]}", dict.fromkeys(taken, False)),
            Caller(permissions_of("admin") - set(taken)),
        )

    def _scoped(self, permission: str) -> Calling:
        return self._once(
            f"key for {permission}",
            lambda: self._key(self._account("admin", f"scoped-{permission}"), [permission]),
            Caller(frozenset({permission})),
        )

    def _once(self, name: str, make: Any, who: Caller) -> Calling:
        if name not in self._made:
            self._made[name] = Calling(name, make(), who)
        return self._made[name]

    def _stranger(self, address: str) -> Any:
        client = self.app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client

    def _person(self, level: str, name: str, overrides: dict[str, bool] | None = None) -> Any:
        user_id = self._account(level, name)
        with self.app.app_context(), unit_of_work():
            for permission, granted in (overrides or {}).items():
                db.session.add(
                    PermissionOverride(user_id=user_id, permission=permission, granted=granted)
                )
        return self._key(user_id)

    def _account(self, level: str, name: str) -> int:
        return people.make_user(self.app, level, f"{name.replace('.', '-')}-{len(self._made)}")

    def _key(self, user_id: int, scopes: list[str] | None = None) -> Any:
        with self.app.app_context():
            _, key = api_keys.create(user_id, "matrix", scopes=scopes)
        client = people.UserClient(self.app, self.app.response_class, use_cookies=True)
        client.api_key = key
        client.environ_base["REMOTE_ADDR"] = OUTSIDE
        return client

    def _make_deactivated(self) -> Any:
        user_id = self._account("admin", "gone")
        client = self._key(user_id)
        with self.app.app_context(), unit_of_work():
            db.session.get_one(User, user_id).is_active = False
        return client

    def _make_expired(self) -> Any:
        client = self._key(self._account("admin", "late"))
        with self.app.app_context(), unit_of_work():
            row = db.session.query(ApiKey).filter_by(prefix=client.api_key[:11]).one()
            row.expires_at = now() - timedelta(seconds=1)
        return client
