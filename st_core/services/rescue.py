"""Rescue: an administrator who is locked out gets in again, from the server's own machine.

Whoever can run this can read the database anyway; it makes an existing account a full administrator
once more, and every step of it is an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import and_, func, or_, select

from ..db import db, unit_of_work
from ..errors import NotFound, SetTimeRule
from ..models import Level, User
from . import (
    account_changes,
    account_passwords,
    authority,
    events,
    level_grants,
    one_time_links,
    overrides,
    passwords,
    second_factor,
    signin,
    throttles,
    users,
)
from .one_time_links import PASSWORD_RESET

LINK_HOURS = 1


@dataclass(frozen=True)
class Rescued:
    """Who was let in again, what was `done` for that, and the token of a reset link, if made."""

    username: str
    done: tuple[str, ...]
    asks_second_factor: bool
    token: str | None = field(default=None, repr=False)


def admin(
    username: str | None = None, *, password: str | None = None, forget_second_factor: bool = False
) -> Rescued:
    """Command: let an administrator in again: active, level `admin`, nothing denied.

    With `password` it is set; without, a one-time reset link is made. No name means the only
    administrator there is. Raises NotFound without such an account, SetTimeRule when it has no
    password of this server.
    """
    hashed = passwords.hash(password) if password else None
    with unit_of_work(gate=authority.GATE):
        user = users.lock(_find(username))
        _refuse_without_password(user)
        done = _let_in(user)
        if forget_second_factor and user.totp_secret is not None:
            second_factor.clear(user)
            done.append("the second factor was forgotten")
        if hashed:
            account_passwords.put(user, hashed)
            done.append("the new password was set, and every session has ended")
        token = None if hashed else _link(user)
        return Rescued(user.username, tuple(done), user.totp_secret is not None, token)


def _let_in(user: User) -> list[str]:
    """Step: give back what it takes to be an administrator; say what was missing."""
    done = []
    if not user.is_active:
        account_changes.turn(user, True)
        done.append("the account was activated")
    names = {level.name for level in user.levels}
    if "admin" not in names:
        level_grants.change(user, names | {"admin"})
        done.append("the level admin was given")
    if denied := overrides.lift_denials(user):
        done.append(f"what was denied is allowed: {', '.join(sorted(denied))}")
    throttles.reset(signin.OF_NAME, user.username.lower())
    return done


def _link(user: User) -> str:
    """Step: make a reset link in the account's own name, and return its token."""
    one_time_links.withdraw(PASSWORD_RESET, user_id=user.id)
    row, token = one_time_links.make(PASSWORD_RESET, hours=LINK_HOURS, user_id=user.id, by=user.id)
    events.emit(
        "auth.link_created",
        subject=("link", row.id),
        owner_id=user.id,
        after={"purpose": PASSWORD_RESET, "expires_at": row.expires_at.isoformat()},
        message=f"a link to a new password was printed for {user.username}",
    )
    return token


def _find(username: str | None) -> int:
    """Return the number of the account that is meant."""
    if username is not None:
        same = or_(
            func.lower(User.username) == username.lower(),
            func.lower(User.email) == username.lower(),
        )
        found = db.session.scalar(select(User.id).where(same))
        if found is None:
            raise NotFound(f"there is no account {username!r}", code="user_not_found")
        return found
    has_level = User.levels.any(and_(Level.is_system, Level.name == "admin"))
    rows = db.session.execute(
        select(User.id, User.username)
        .where(has_level, ~User.is_service, ~User.is_local_owner)
        .order_by(User.username)
    ).all()
    if len(rows) == 1:
        return rows[0].id
    if not rows:
        raise NotFound(
            "there is no administrator yet; make the first one with: flask st setup-code"
        )
    names = ", ".join(row.username for row in rows)
    raise SetTimeRule(f"there are several administrators: {names}. Name the one who is locked out.")


def _refuse_without_password(user: User) -> None:
    if user.is_service or user.is_local_owner or user.auth_provider != "local":
        raise SetTimeRule(
            f"{user.username} has no password of this server (a service account, the local owner, "
            f"or signed in by {user.auth_provider}). Name another account.",
            code="no_local_password",
        )
