"""Sign-in: from a name and a password, or a person another place vouches for, to a session.

Whoever fails is told the same, whether the account is unknown, the password wrong, or the account
inactive; the reason is in the event `auth.login_failure`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from .. import actor
from ..clock import now
from ..db import db, unit_of_work
from ..errors import NotSignedIn
from ..models import Session, User
from . import (
    devices,
    events,
    password_check,
    passwords,
    second_factor,
    sessions,
    throttles,
    users,
)
from .throttles import Rule

#: Sign-ins of one address.
OF_ADDRESS = Rule("login.address", 15, 60)
#: Sign-ins under one name from one address.
OF_PAIR = Rule("login.pair", 10, 900)
#: Sign-ins under one name from anywhere.
OF_NAME = Rule("login.name", 50, 900)
#: Sign-ins of a browser that has signed in to the account before.
OF_DEVICE = Rule("login.device", 10, 900)


@dataclass(frozen=True)
class Entry:
    """A sign-in that succeeded: the session's token, this once, and whether a code is still to
    come. `mark` is for the cookie of a browser that had none."""

    token: str
    user_id: int
    remember: bool = False
    awaits_second_factor: bool = False
    mark: str | None = None


def with_password(
    username: str, password: str, remember: bool = False, provider: str | None = None
) -> Entry:
    """Sign in by name or e-mail and password.

    Guessing is slowed, and locks nobody out for ever. One address has 15 tries a minute; one name
    has 10 from one address and 50 from anywhere in a quarter of an hour. None of these counts for
    a browser that has signed in to the account before, which it proves with the mark it was given:
    that has 10 tries in a quarter of an hour of its own. So whoever guesses at an account slows
    down strangers and themselves, not its owner on a device of theirs. Every window ends by itself,
    and `flask st users reset-admin` helps at the machine.

    Raises NotSignedIn when it does not fit, RateLimited when it was tried too often.
    """
    name = username.strip()
    _refuse_guessing(name)
    proven = password_check.prove(name, password, provider)
    if proven.user is None or proven.problem:
        fail(name, proven.user, proven.problem, proven.provider)
    return enter(
        proven.user,
        method=proven.method,
        remember=remember,
        password=password if proven.method == "password" else None,
        name=name,
        provider_id=proven.provider_id,
        provider_state=proven.provider_state,
    )


def with_code(token: str, code: str) -> Entry:
    """Finish a sign-in whose password was right: with a code of the app, or a recovery code.

    Raises NotSignedIn when the code is wrong or the password was given over ten minutes ago,
    RateLimited at the sixth wrong code in five minutes.
    """
    row = sessions.row_of(token)
    if row is None or not row.awaits_second_factor:
        raise NotSignedIn(
            "This took too long. Sign in with your password again.", code="second_factor_expired"
        )
    throttles.check((second_factor.TRIES, str(row.user_id)))
    with unit_of_work():
        user = users.lock(row.user_id)
        with acting_as(user):
            taken = second_factor.take(user, code)
            if taken is not None:
                return _exchange(row.id, user, taken)
    fail(user.username, user, "wrong code")


def _exchange(pending_id: int, user: User, taken: str) -> Entry:
    """Step: begin the session in place of the one that waited; its token is a new one. Raises
    NotSignedIn."""
    pending = db.session.get(Session, pending_id, with_for_update=True)
    if pending is None or not user.is_active:
        raise NotSignedIn("Sign in with your password again.", code="second_factor_expired")
    token = sessions.create(
        user.id,
        method=pending.method,
        remember=pending.remembered,
        provider_id=pending.provider_id,
        provider_state=sessions.provider_state(pending),
    )
    db.session.delete(pending)
    throttles.reset(second_factor.TRIES, str(user.id))
    mark = _welcome(user, pending.method, second_factor=taken)
    return Entry(token, user.id, pending.remembered, mark=mark)


def enter(
    user: User,
    *,
    method: str,
    remember: bool = False,
    password: str | None = None,
    name: str | None = None,
    provider_id: int | None = None,
    provider_state: Mapping[str, str] | None = None,
    proved_at: datetime | None = None,
) -> Entry:
    """Command: begin the session of somebody whose identity is settled.

    `password` is what they gave, to renew a hash of old parameters; `name` is the name they gave,
    whose tries are forgotten; `proved_at` is when they proved to be there, if not just now: a
    provider may let people through for hours who proved it once.
    """
    who = user.id
    with unit_of_work():
        user = db.session.get_one(User, who)
        with acting_as(user):
            if password and user.password_hash and passwords.is_old(user.password_hash):
                user.password_hash = passwords.hash(password)
            waits = second_factor.is_asked_of(user, method)
            token = sessions.create(
                who,
                method=method,
                remember=remember,
                provider_id=provider_id,
                provider_state=provider_state,
                awaits_second_factor=waits,
                proved_at=proved_at,
            )
            mark = None if waits else _welcome(user, method)
        if name is not None:
            _forgive(name, who)
    return Entry(token, who, remember, waits, mark)


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


def _welcome(user: User, method: str, **data: str) -> str | None:
    """Step: tell of a sign-in; return the mark for a browser that has none."""
    user.last_login_at = now()
    events.emit(
        "auth.login",
        subject=("user", user.id),
        owner_id=user.id,
        data={"method": method, **data},
        message=f"{user.username} signed in",
    )
    return devices.note(user.id)


def _refuse_guessing(given: str) -> None:
    """Count this try. Raises RateLimited under the rule of `with_password`."""
    name, who = given.lower(), actor.current()
    user = password_check.find(name)
    if user is not None and devices.is_marked(user.id):
        throttles.check((OF_DEVICE, f"{user.id}|{who.device}"))
        return
    address = devices.caller(who.address)
    throttles.check((OF_ADDRESS, address), (OF_PAIR, f"{name}|{address}"))
    throttles.check((OF_NAME, name))


def _forgive(given: str, user_id: int) -> None:
    """Step: forget the tries under a name once its owner came in."""
    name, who = given.lower(), actor.current()
    throttles.reset(OF_PAIR, f"{name}|{devices.caller(who.address)}")
    throttles.reset(OF_DEVICE, f"{user_id}|{who.device}")
