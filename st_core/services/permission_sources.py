"""Why somebody may do something: for each permission the levels that hold it, an override, and
what follows from both.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..contracts import Permission
from ..models import PermissionOverride, User
from . import rights


@dataclass(frozen=True)
class Explained:
    """One permission of one person: `levels` name those of theirs that hold it."""

    permission: Permission
    levels: tuple[str, ...]
    override: PermissionOverride | None
    holds: bool


def explain(user: User) -> list[Explained]:
    """Return every permission there is, with why `user` has it or not, in the catalogue's order."""
    held = {level.name: rights.of_level(level) for level in user.levels}
    overrides = {item.permission: item for item in user.overrides}
    return [
        _explained(permission, held, overrides.get(permission.name))
        for permission in rights.catalogue().values()
    ]


def _explained(
    permission: Permission,
    held: dict[str, frozenset[str]],
    override: PermissionOverride | None,
) -> Explained:
    levels = tuple(name for name, names in held.items() if names & {"*", permission.name})
    return Explained(permission, levels, override, override.granted if override else bool(levels))


def category(name: str) -> str:
    """Return the first word of a permission's name, by which lists group them."""
    return name.partition(".")[0]
