"""Sign-in: from a name and a password, or a person another place vouches for, to a session.

Whoever fails is told the same, whether the account is unknown, the password wrong, or the account
inactive; the reason is in the event `auth.login_failure`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NoReturn

from sqlalchemy import func, select

from .. import actor
from ..clock import now
from ..db import db, unit_of_work
from ..errors import NotSignedIn
from ..models import User
from . import devices, events, passwords, sessions, throttles
from .throttles import Rule

#: Sign-ins of one address.
OF_ADDRESS = Rule("login.address", 15, 60)
#: Sign-ins under one name from one address.
OF_PAIR = Rule("login.pair", 10, 900)
#: Sign-ins under one name from anywhere.
OF_NAME = Rule("login.name", 50, 900)


@dataclass(frozen=True)
class Entry:
    """A sign-in that succeeded: the session's token, this once, and whether a code is still to
    come."""

    token: str
    user_id: int
    remember: bool = False
    awaits_second_factor: bool = False


def with_password(
    username: str, password: str, remember: bool = False, provider: str | None = None
) -> Entry:
    """Sign in by name or e-mail and password.

    Guessing is slowed by three counters. One address has 15 tries a minute; one name from one
    address 10 in a quarter of an hour. One name from anywhere has 50 in a quarter of an hour, and
    beyond that only devices that have signed in to the account before are still heard: somebody who
    guesses from many places slows down strangers, and locks nobody out of an account they use.
    Every window ends by itself, and `flask st users reset-admin` helps at the machine.

    Raises NotSignedIn when it does not fit, RateLimited when it was tried too often.
    """
    name = username.strip().lower()
    user = find(name)
    _refuse_guessing(name, user)
    problem = _problem(user, password)
    if user is None or problem:
        fail(name, user, problem or "unknown name")
    return enter(user, method="password", remember=remember, password=password, name=name)


def find(name: str) -> User | None:
    """Return the account of a user name or, where no name fits, of an e-mail address."""
    for column in (User.username, User.email):
        found = db.session.scalar(select(User).where(func.lower(column) == name.lower()))
        if found is not None:
            return found
    return None


def enter(
    user: User,
    *,
    method: str,
    remember: bool = False,
    password: str | None = None,
    name: str | None = None,
    provider_id: int | None = None,
    provider_state: Mapping[str, str] | None = None,
) -> Entry:
    """Command: begin the session of somebody whose identity is settled.

    `password` is what they gave, to renew a hash of old parameters; `name` is the name they gave,
    whose tries are forgotten.
    """
    who = user.id
    with unit_of_work():
        user = db.session.get_one(User, who)
        with acting_as(user):
            if password and user.password_hash and passwords.is_old(user.password_hash):
                user.password_hash = passwords.hash(password)
            token = sessions.create(
                who,
                method=method,
                remember=remember,
                provider_id=provider_id,
                provider_state=provider_state,
            )
            _welcome(user, method)
        if name is not None:
            _forgive(name)
    return Entry(token, who, remember)


def fail(name: str, user: User | None, reason: str, provider: str | None = None) -> NoReturn:
    """Command: record a failed sign-in, then refuse it. Raises NotSignedIn always.

    A name nobody has is recorded by its first letters: people type passwords into the wrong field.
    """
    shown = user.username if user else f"{name[:3]}…"
    with unit_of_work():
        events.emit(
            "auth.login_failure",
            subject=("user", user.id if user else ""),
            data={"username": shown, "reason": reason, "provider": provider},
            message=f"sign-in as {shown} failed: {reason}",
        )
    raise NotSignedIn("Invalid username or password", code="authentication_error")


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Let what happens inside be done by `user`, from where the present actor is."""
    with actor.acting(replace(actor.current(), name=user.username, user_id=user.id)):
        yield


def _problem(user: User | None, password: str) -> str:
    """Return why this person may not come in with this password, empty when they may."""
    fits = passwords.verify(user.password_hash if user else None, password)
    if user is None:
        return "unknown name"
    if not fits:
        return "wrong password"
    if user.is_service:
        return "a service account signs in with its keys only"
    return "" if user.is_active else "the account is inactive"


def _welcome(user: User, method: str) -> None:
    """Step: tell of a sign-in."""
    user.last_login_at = now()
    events.emit(
        "auth.login",
        subject=("user", user.id),
        owner_id=user.id,
        data={"method": method},
        message=f"{user.username} signed in",
    )
    devices.note(user.id)


def _refuse_guessing(name: str, user: User | None) -> None:
    """Count this try. Raises RateLimited under the rule of `with_password`."""
    address = actor.current().address or ""
    throttles.check((OF_ADDRESS, address), (OF_PAIR, f"{name}|{address}"))
    if user is None or not devices.is_known(user.id):
        throttles.check((OF_NAME, name))


def _forgive(name: str) -> None:
    """Step: forget the tries under a name once its owner came in."""
    throttles.reset(OF_PAIR, f"{name}|{actor.current().address or ''}")
    throttles.take_back(OF_NAME, name)
