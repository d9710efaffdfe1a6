"""Levels: the system's four, which keep their names, priorities and permissions, and custom ones.

A system level always holds its defaults; an administrator may let it hold more, never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..contracts import Viewer
from ..db import assert_unit_of_work, db, retried
from ..errors import Conflict, NotFound, SetTimeRule
from ..models import AuthProvider, Level
from ..plugins import did_you_mean
from . import authority, events, level_grants, permissions, policy, rights


def all_levels() -> list[Level]:
    """Return every level, the lowest priority first."""
    return list(db.session.scalars(select(Level).order_by(Level.priority, Level.name)))


def priorities() -> dict[str, int]:
    """Return every level's priority by name, from memory while no policy changed."""

    def ask() -> dict[str, int]:
        return {
            n: priority for n, priority in db.session.execute(select(Level.name, Level.priority))
        }

    return policy.remembered("level priorities", ask)


def highest(names: Iterable[str]) -> str:
    """Return the level of highest priority among `names`; one that is gone counts as admin."""
    known = priorities()
    return max(
        (name if name in known else "admin" for name in names), key=lambda n: known.get(n, 100)
    )


def held(level: Level) -> list[str]:
    """Return what a level holds, defaults included, in order of name."""
    return sorted(rights.of_level(level))


def create(
    viewer: Viewer, name: str, *, description: str, priority: int, names: Sequence[str]
) -> Level:
    """Command: make a custom level.

    Raises SetTimeRule for a name that is taken or an unknown permission, NotAllowed when the level
    would be above the viewer's own.
    """
    granted = known_permissions(names)
    with authority.changes_by(viewer):
        level = Level(name=name, description=description, priority=priority, permissions=granted)
        authority.require_level(viewer, level)
        authority.require_grant(viewer, frozenset(granted))
        add(level)
    return level


@retried
def change(viewer: Viewer, level_id: int, changes: Mapping[str, Any]) -> Level:
    """Command: change a level's `name`, `description`, `priority` or `permissions`; what is left
    out stays.

    Raises NotFound, SetTimeRule for what a system level keeps or an unknown permission, NotAllowed
    when the level is above the viewer's own before or after, Conflict when a sign-in provider knows
    the level by the name it would lose.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    if "permissions" in given:
        given["permissions"] = known_permissions(given["permissions"])
    with authority.changes_by(viewer):
        level = _lock(level_id)
        authority.require_level(viewer, level)
        if level.is_system:
            given = _allowed_of_system(level, given)
        held_before = rights.of_level(level)
        put(level, given)
        authority.require_level(viewer, level)
        authority.require_grant(viewer, rights.of_level(level) - held_before)
    return level


@retried
def delete(viewer: Viewer, level_id: int) -> None:
    """Command: delete a custom level; whoever has it loses it.

    Raises NotFound, SetTimeRule for a system level, NotAllowed when it is above the viewer's own,
    Conflict while a sign-in provider gives it.
    """
    with authority.changes_by(viewer):
        level = _lock(level_id)
        authority.require_level(viewer, level)
        drop(level)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def add(level: Level) -> None:
    """Step: write a new level. Raises SetTimeRule when its name is taken."""
    assert_unit_of_work()
    db.session.add(level)
    _write(level.name)
    events.emit(
        "level.created",
        subject=("level", level.id),
        after=_described(level),
        message=f"the level {level.name} was made",
    )


def put(level: Level, given: Mapping[str, Any]) -> None:
    """Step: set fields of a level, with an event when that changes anything.

    Raises Conflict when a sign-in provider knows it by the name it would lose, SetTimeRule when the
    new one is taken.
    """
    assert_unit_of_work()
    if given.get("name", level.name) != level.name:
        _refuse_while_mapped(level)
    before = _described(level)
    for name, value in given.items():
        setattr(level, name, value)
    _write(level.name)
    _tell(level, before)


def drop(level: Level) -> None:
    """Step: delete a level. Raises SetTimeRule for one of the system's, Conflict while a sign-in
    provider gives it."""
    assert_unit_of_work()
    if level.is_system:
        raise SetTimeRule(
            f"{level.name} is one of the system's four levels, which stay.", code="system_level"
        )
    _refuse_while_mapped(level)
    events.emit(
        "level.deleted",
        subject=("level", level.id),
        before=_described(level),
        data={"holders": level_grants.holders(level.id)},
        message=f"the level {level.name} was deleted",
    )
    db.session.delete(level)


def _lock(level_id: int) -> Level:
    """Step: return a level as just now."""
    level = db.session.get(Level, level_id, with_for_update=True, populate_existing=True)
    if level is None:
        raise NotFound(f"there is no level {level_id}", code="level_not_found")
    return level


def known_permissions(names: Sequence[str]) -> list[str]:
    """Return permission names in order, each once. Raises SetTimeRule for one there is not."""
    for name in names:
        if name not in rights.catalogue():
            raise SetTimeRule(
                f"There is no permission {name!r}.{did_you_mean(name, rights.catalogue())}",
                code="unknown_permission",
                fields=[{"path": "permission_names", "message": f"unknown: {name[:100]}"}],
            )
    return sorted(set(names))


def _allowed_of_system(level: Level, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a system level takes of the changes. Raises SetTimeRule for what it keeps."""
    kept = [
        name
        for name in ("name", "priority")
        if name in given and given[name] != getattr(level, name)
    ]
    if kept:
        raise SetTimeRule(
            f"{level.name} is one of the system's four levels: its {' and '.join(kept)} cannot be "
            "changed. Make a level of your own instead.",
            code="system_level",
        )
    allowed = {name: value for name, value in given.items() if name == "description"}
    if "permissions" in given:
        allowed["permissions"] = _beyond_defaults(level, given["permissions"])
    return allowed


def _beyond_defaults(level: Level, names: Sequence[str]) -> list[str]:
    """Return what a system level is to hold beside its defaults. Raises SetTimeRule when one of
    those is missing."""
    defaults = permissions.defaults_of(level.name, rights.catalogue().values())
    if "*" in defaults:
        raise SetTimeRule(f"{level.name} always holds every permission.", code="system_level")
    if missing := sorted(defaults - set(names)):
        raise SetTimeRule(
            f"{level.name} always holds {', '.join(missing)}. Deny it to single people, or make a "
            "level of your own.",
            code="system_level",
        )
    return sorted(set(names) - defaults)


def _refuse_while_mapped(level: Level) -> None:
    """Pass when no sign-in provider gives this level by its name. Raises Conflict."""
    for provider in db.session.scalars(select(AuthProvider).order_by(AuthProvider.name)):
        mapped = {*provider.level_mapping, *provider.default_levels}
        mapped.update(*provider.level_mapping.values())
        if level.name in mapped:
            raise Conflict(
                f"The sign-in provider {provider.name!r} gives the level {level.name!r}; "
                "take it out of the provider's levels first.",
                code="level_in_use",
            )


def _write(name: str) -> None:
    """Step: write now. Raises SetTimeRule when the name is taken."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise SetTimeRule(
            f"There is a level {name!r} already; choose another name.",
            code="duplicate",
            fields=[{"path": "name", "message": "taken"}],
        ) from error


def _tell(level: Level, before: Mapping[str, Any]) -> None:
    """Step: tell what changed of a level, when anything did."""
    after = _described(level)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        events.emit(
            "level.updated",
            subject=("level", level.id),
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            message=f"the level {level.name}: {', '.join(changed)}",
        )


def _described(level: Level) -> dict[str, Any]:
    return {
        "name": level.name,
        "description": level.description,
        "priority": level.priority,
        "permissions": held(level),
    }
