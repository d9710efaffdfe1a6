"""What becomes of an account: changed, switched off and on, deleted; always with one event per
fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update

from ..contracts import Viewer
from ..db import assert_unit_of_work, db, retried, table_of
from ..errors import SetTimeRule
from ..models import ApiKey, Job, User
from . import (
    account_passwords,
    accounts,
    authority,
    avatars,
    events,
    level_grants,
    passwords,
    sessions,
    users,
)


@retried
def change(viewer: Viewer, user_id: int, changes: Mapping[str, Any]) -> User:
    """Command: change an account: `email`, `username`, `display_name`, `is_active`, `is_admin`,
    `password`; what is left out stays.

    A new password ends the person's sessions. Raises NotFound, NotAllowed when the person may more
    than the viewer, SetTimeRule for what is taken, for oneself and for the last administrator.
    """
    password = changes.get("password")
    hashed = passwords.hash(password) if password else None
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        if "is_active" in changes and changes["is_active"] is not None:
            _switch(viewer, user, changes["is_active"])
        if changes.get("is_admin") is not None:
            _make_admin(viewer, user, changes["is_admin"])
        _rename(user, changes)
        if hashed:
            _set_password(user, hashed)
    return user


@retried
def set_active(viewer: Viewer, user_id: int, active: bool) -> None:
    """Command: let somebody in again, or keep them out: their sessions and streams end at once, and
    their keys for good.

    Raises NotFound, NotAllowed when the person may more than the viewer, SetTimeRule for oneself,
    the local owner and the last administrator.
    """
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        _switch(viewer, user, active)


@retried
def delete(viewer: Viewer, user_id: int) -> None:
    """Command: delete an account with its sessions, keys and credentials; its jobs stay and keep
    the name.

    Raises NotFound, NotAllowed when the person may more than the viewer, SetTimeRule for oneself,
    the local owner and the last administrator.
    """
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        authority.require_other(viewer, user, "delete")
        _refuse_the_local_owner(user)
        ended, picture = sessions.end_all(user.id), user.avatar_url
        keys = db.session.scalar(select(func.count()).where(ApiKey.user_id == user.id)) or 0
        jobs = table_of(Job)
        db.session.execute(
            update(jobs).where(jobs.c.user_id == user.id).values(former_owner=user.username)
        )
        events.emit(
            "user.deleted",
            subject=("user", user.id),
            before={
                **accounts.described(user),
                "is_service": user.is_service,
                "levels": sorted(level.name for level in user.levels),
            },
            data={"sessions_ended": ended, "api_keys_ended": keys},
            message=f"the account {user.username} was deleted",
        )
        db.session.delete(user)
    avatars.discard(picture)


def _switch(viewer: Viewer, user: User, active: bool) -> None:
    """Step: activate or deactivate; nothing happens when it is so already."""
    if user.is_active == active:
        return
    if not active:
        authority.require_other(viewer, user, "deactivate")
        _refuse_the_local_owner(user)
    turn(user, active)


def turn(user: User, active: bool, reason: str = "") -> None:
    """Step: let somebody in or keep them out, whoever decides it; `reason` is told with it."""
    assert_unit_of_work()
    user.is_active = active
    data = {} if active else {"sessions_ended": sessions.end_all(user.id), **_end_keys(user.id)}
    events.emit(
        "user.updated",
        subject=("user", user.id),
        owner_id=user.id,
        before={"is_active": not active},
        after={"is_active": active},
        data=data | ({"reason": reason} if reason else {}),
        message=f"{user.username} was {'activated' if active else 'deactivated'}",
    )


def _end_keys(user_id: int) -> dict[str, int]:
    """Step: revoke every key of a user, and say how many there were."""
    mine = [ApiKey.user_id == user_id, ApiKey.is_active]
    ended = db.session.scalar(select(func.count()).where(*mine)) or 0
    db.session.execute(update(ApiKey).where(*mine).values(is_active=False))
    return {"api_keys_ended": ended}


def _make_admin(viewer: Viewer, user: User, wanted: bool) -> None:
    """Step: give or take the level `admin`."""
    names = {level.name for level in user.levels}
    if ("admin" in names) == wanted:
        return
    (level,) = level_grants.named(["admin"])
    authority.require_level(viewer, level)
    if wanted:
        level_grants.change(user, names | {"admin"})
    else:
        authority.require_other(viewer, user, "take the level admin from")
        level_grants.change(user, names - {"admin"})


def _rename(user: User, changes: Mapping[str, Any]) -> None:
    """Step: set name, address and display name, with one event when any is new."""
    wanted = {name: changes[name] for name in ("email", "username") if changes.get(name)}
    if "display_name" in changes:
        wanted["display_name"] = changes["display_name"] or None
    new = {name: value for name, value in wanted.items() if getattr(user, name) != value}
    if not new:
        return
    accounts.require_free(username=new.get("username"), email=new.get("email"), but=user.id)
    if "email" in new:
        new["email_verified"] = False
    accounts.update(user, new)


def _set_password(user: User, hashed: str) -> None:
    """Step: set a password on somebody's behalf and end their sessions."""
    if user.is_service or user.auth_provider != "local":
        raise SetTimeRule(
            f"{user.username} signs in without a password of this server, so it cannot be set.",
            code="no_local_password",
        )
    account_passwords.put(user, hashed)


def _refuse_the_local_owner(user: User) -> None:
    if user.is_local_owner:
        raise SetTimeRule(
            f"{user.username} is whoever sits at this machine; auth.mode: team ends that way in.",
            code="local_owner",
        )
