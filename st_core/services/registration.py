"""Registration: whether people may make an account themselves, and at which level they begin.

That level is never an administrator's, nor one that manages anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ..contracts import Viewer
from ..db import db, unit_of_work
from ..errors import NotAllowed, SetTimeRule
from ..models import Level, User
from . import accounts, authority, devices, passwords, rights, settings, throttles
from .accounts import NewAccount
from .throttles import Rule

ENABLED, LEVEL = "registration.enabled", "registration.default_level"
TRIES = Rule("register", 5, 60)


@dataclass(frozen=True)
class Registration:
    """What is set: whether people may register, and what they become."""

    enabled: bool
    default_level: str


def is_enabled() -> bool:
    """Tell whether people may make an account themselves."""
    return bool(settings.value(ENABLED))


def current() -> Registration:
    """Return what is set."""
    return Registration(is_enabled(), settings.value(LEVEL))


def change(viewer: Viewer, *, enabled: bool | None, default_level: str | None) -> Registration:
    """Command: change what is set; None leaves a value as it is.

    Raises SetTimeRule for a level that is unknown or would make newcomers administrators.
    """
    if default_level is not None:
        _require_harmless(default_level)
    given = {ENABLED: enabled, LEVEL: default_level}
    changes = {key: value for key, value in given.items() if value is not None}
    if changes:
        settings.change(viewer, changes)
    return current()


def register(wanted: NewAccount, address: str | None) -> User:
    """Command: make the account somebody asks for themselves.

    Raises NotAllowed where that is switched off, SetTimeRule when name or address is taken,
    RateLimited after five tries in a minute.
    """
    if not is_enabled():
        raise NotAllowed(
            "This server makes no accounts by itself. Ask an administrator for an invitation.",
            code="registration_disabled",
        )
    throttles.check((TRIES, devices.caller(address)))
    level = settings.value(LEVEL)
    _require_harmless(level)
    hashed = passwords.hash(wanted.password or "")
    account = NewAccount(wanted.username, wanted.email, None, wanted.display_name, (level,))
    with unit_of_work(gate=authority.GATE):
        return accounts.add(account, password_hash=hashed)


def _require_harmless(name: str) -> None:
    level = db.session.scalar(select(Level).where(Level.name == name))
    if level is None:
        known = ", ".join(db.session.scalars(select(Level.name).order_by(Level.priority)))
        raise SetTimeRule(
            f"There is no level {name!r}. There are: {known}.",
            code="unknown_level",
            fields=[{"path": "default_level", "message": "unknown level"}],
        )
    managing = {each.name for each in rights.catalogue().values() if each.levels == ("admin",)}
    if rights.of_level(level) & (managing | {"*"}):
        raise SetTimeRule(
            f"The level {name!r} manages this server; nobody may give it to themselves. "
            "Choose a lower one, such as researcher.",
            code="level_too_high",
            fields=[{"path": "default_level", "message": "too high"}],
        )
