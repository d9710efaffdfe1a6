"""Rights: what somebody may, worked out from levels and overrides."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from ..contracts import Permission
from ..db import db
from ..models import Level, PermissionOverride, User
from . import permissions


def catalogue() -> dict[str, Permission]:
    """Return every permission there is: the core's, and those plugins declared."""
    known: dict[str, Permission] = current_app.extensions["st"].permissions
    return known


def of_level(level: Level) -> frozenset[str]:
    """Return what a level holds; a system level always holds its defaults, `admin` holds `*`."""
    held = frozenset(level.permissions)
    if level.is_system:
        held |= permissions.defaults_of(level.name, catalogue().values())
    return held


def has_admin(user: User) -> bool:
    """Tell whether a user has the level `admin`, whatever overrides take from it."""
    return any(level.is_system and level.name == "admin" for level in user.levels)


def held_by(user: User) -> frozenset[str]:
    """Return what a user may: the levels' permissions, then what overrides add and take.

    Whoever is denied anything holds no `*` any more, but every other permission by name.
    """
    held: set[str] = set()
    for level in user.levels:
        held |= of_level(level)
    if "*" in held and any(not item.granted for item in user.overrides):
        held = set(catalogue())
    for item in user.overrides:
        (held.add if item.granted else held.discard)(item.permission)
    return frozenset(held)


def within(held: frozenset[str], scopes: list[str] | None) -> frozenset[str]:
    """Return the part of `held` that a token's `scopes` leave; None leaves everything."""
    if scopes is None:
        return held
    return frozenset(catalogue() if "*" in held else held) & frozenset(scopes)


def denied_to(user_id: int) -> frozenset[str]:
    """Return the permissions that overrides take from a user."""
    taken = select(PermissionOverride.permission).where(
        PermissionOverride.user_id == user_id, ~PermissionOverride.granted
    )
    return frozenset(db.session.scalars(taken))
