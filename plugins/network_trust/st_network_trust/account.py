"""The one system user as whom callers from internal networks act: a row without password or key.

It is known by its `auth_provider`, because its name may have been taken before.
"""

from __future__ import annotations

from sqlalchemy import func, select

from st_core.db import db, unit_of_work
from st_core.errors import ConfigError
from st_core.models import Level, User
from st_core.services import authority, events, policy, rights

NAME = "internal-network"
PROVIDER = "network"


def ensure(level_name: str) -> None:
    """Command: see to it that the user exists and has exactly the level of that name.

    Raises ConfigError when there is no such level, or it holds every permission.
    """
    with unit_of_work(gate=authority.GATE):
        level = _level(level_name)
        user = db.session.scalar(_QUERY)
        if user is None:
            _make(level)
        elif [each.name for each in user.levels] != [level.name]:
            _move(user, level)


def active_id() -> int | None:
    """Return the user's id, None while an administrator has deactivated or deleted it."""
    return policy.remembered("internal network user", _active_id)


_QUERY = select(User).where(User.auth_provider == PROVIDER, User.is_service)


def _active_id() -> int | None:
    user = db.session.scalar(_QUERY)
    return user.id if user is not None and user.is_active else None


def _level(name: str) -> Level:
    found = db.session.scalar(select(Level).where(Level.name == name))
    if found is None:
        known = ", ".join(db.session.scalars(select(Level.name).order_by(Level.priority)))
        raise ConfigError(f"network.bypass_level: {name!r} is no level; there are {known}.")
    if "*" in rights.of_level(found):
        raise ConfigError(
            f"network.bypass_level: the level {name!r} holds every permission, which nobody gets "
            "by sitting in a network. Name a lower one."
        )
    return found


def _make(level: Level) -> None:
    """Step: insert the user."""
    taken, name, number = set(db.session.scalars(select(func.lower(User.username)))), NAME, 1
    while name in taken:
        number += 1
        name = f"{NAME}-{number}"
    user = User(
        username=name,
        email=f"{name}@localhost",
        display_name="Internal network",
        auth_provider=PROVIDER,
        is_service=True,
        levels=[level],
    )
    db.session.add(user)
    db.session.flush()
    events.emit(
        "admin.user_created",
        subject=("user", user.id),
        after={"username": name, "levels": [level.name], "is_service": True},
        message=f"{name} stands for callers from internal networks",
    )


def _move(user: User, level: Level) -> None:
    """Step: give the user the configured level instead of what it has."""
    before = [each.name for each in user.levels]
    user.levels = [level]
    events.emit(
        "admin.role_changed",
        subject=("user", user.id),
        before={"levels": before},
        after={"levels": [level.name]},
        message=f"{user.username} has the level of network.bypass_level",
    )
