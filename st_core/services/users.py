"""Users: the levels every database has, the local owner, and the frozen viewer of a user."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, func, select

from ..actor import current
from ..contracts import Viewer
from ..db import assert_unit_of_work, db, unit_of_work
from ..errors import NotFound, NotSignedIn
from ..models import Level, Membership, User
from . import events, permissions, policy, rights, settings


def ensure_levels() -> None:
    """Step: see to it that the guide's four levels exist; what an admin changed stays."""
    assert_unit_of_work()
    present = set(db.session.scalars(select(Level.name)))
    for name, (priority, description) in permissions.LEVELS.items():
        if name not in present:
            db.session.add(
                Level(name=name, priority=priority, description=description, is_system=True)
            )


def local_owner() -> User:
    """Command: return the person at this machine: whom `auth.local_user` names, else the local
    owner, else the first administrator; where there is none either, a local owner is made.

    Raises NotSignedIn when `auth.local_user` names nobody who can act.
    """
    if name := settings.value("auth.local_user"):
        return _named(name)
    found = _local_owner()
    if found is not None:
        return found
    with unit_of_work(gate="people"):
        found = _local_owner()
        if found is None:
            found = _make_local_owner()
    return found


def _local_owner() -> User | None:
    """Return the local owner, else the first administrator, None when there is neither."""
    persons = select(User).where(User.is_active, ~User.is_service)
    admins = User.levels.any(and_(Level.is_system, Level.name == "admin"))
    for who in (User.is_local_owner, admins):
        found = db.session.scalar(persons.where(who).order_by(User.id).limit(1))
        if found is not None:
            return found
    return None


def _named(name: str) -> User:
    user = db.session.scalar(select(User).where(func.lower(User.username) == name.lower()))
    if user is None or not user.is_active or user.is_service:
        raise NotSignedIn(
            f"auth.local_user names {name!r}, who has no active account here. Correct it in the "
            "configuration file, or sign in.",
            code="unknown_local_user",
        )
    return user


def _make_local_owner() -> User:
    """Step: insert the local owner under a name that is free."""
    try:
        login = re.sub(r"[^A-Za-z0-9_-]", "-", getpass.getuser())[:40]
    except (KeyError, OSError):
        login = ""
    name = login if len(login) >= 3 else "owner"
    taken = set(db.session.scalars(select(func.lower(User.username))))
    while name.lower() in taken:
        name = f"{name}-local"
    ensure_levels()
    db.session.flush()
    owner = User(
        email=f"{name}@localhost",
        username=name,
        display_name="Local owner",
        is_local_owner=True,
        levels=[db.session.scalars(select(Level).where(Level.name == "admin")).one()],
    )
    db.session.add(owner)
    db.session.flush()
    events.emit(
        "admin.user_created",
        subject=("user", owner.id),
        after={"username": name, "levels": ["admin"]},
        message=f"{name} is the local owner of this server",
    )
    return owner


def others_exist() -> bool:
    """Tell whether any person but the local owner has an account; then nobody is the owner by
    place alone."""
    others = select(User.id).where(~User.is_local_owner, ~User.is_service).limit(1)
    return policy.remembered("others exist", lambda: db.session.scalar(others) is not None)


def local_viewer() -> Viewer:
    """Return the person at this machine as a viewer. Raises NotSignedIn when `auth.local_user`
    names nobody who can act."""
    return policy.remembered("local viewer", lambda: viewer_of(local_owner(), "local"))


def count() -> int:
    """Return how many people have an account."""
    return db.session.scalar(select(func.count(User.id))) or 0


def get(user_id: int) -> User:
    """Return a user. Raises NotFound."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}", code="user_not_found")
    return user


def lock(user_id: int) -> User:
    """Step: return a user as just now, locked until the unit of work ends. Raises NotFound."""
    assert_unit_of_work()
    user = db.session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound(f"there is no user {user_id}", code="user_not_found")
    return user


def describe(user_id: int) -> dict[str, Any]:
    """Return a user as clients know it, without the password. Raises NotFound."""
    user = get(user_id)
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "display_name": user.display_name,
        "avatar_url": user.avatar_url,
        "auth_provider": user.auth_provider,
        "is_active": user.is_active,
        "email_verified": user.email_verified,
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
        "levels": [
            {"id": level.id, "name": level.name, "priority": level.priority}
            for level in user.levels
        ],
    }


def display_names(user_ids: Iterable[int | None]) -> dict[int, str]:
    """Return what these people are called, by id; those who left are not among them."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    found = db.session.scalars(select(User).where(User.id.in_(wanted)))
    return {user.id: user.display_name or user.username for user in found}


def viewer_of(
    user: User, via: str, scopes: list[str] | None = None, address: str | None = None
) -> Viewer:
    """Return `user` as a frozen viewer: levels, then overrides, then the token's scopes.

    A scope never adds a right: the result is the intersection with what the person holds just now.
    """
    places = list(db.session.scalars(select(Membership).where(Membership.user_id == user.id)))
    return Viewer(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name or user.username,
        permissions=rights.within(rights.held_by(user), scopes),
        levels=tuple(level.name for level in user.levels),
        priority=max((level.priority for level in user.levels), default=0),
        org_ids=tuple(sorted({place.org_id for place in places})),
        team_ids=tuple(sorted({place.team_id for place in places if place.team_id})),
        via=via,
        address=address or current().address,
        everywhere=rights.has_admin(user),
    )
