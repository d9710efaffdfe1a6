"""What is done to resource rules: made, changed, deleted, attached to levels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db, retried, unit_of_work
from st_core.errors import Conflict, NotFound
from st_core.services import patterns, permissions

from . import rows
from .event_types import MAY
from .models import ResourceRule
from .rows import Ruled


@retried
def create(viewer: Viewer, fields: Mapping[str, Any], names: Sequence[str] = ()) -> Ruled:
    """Command: make a rule and attach it to levels.

    Raises NotAllowed without `admin.users`, SetTimeRule for a pattern or level there is not,
    Conflict when the name is taken.
    """
    permissions.require(viewer, MAY)
    patterns.check(fields["pattern"], "pattern")
    with unit_of_work(gate="submit"):
        _refuse_taken(fields["name"])
        return rows.add(fields, names), sorted(names)


@retried
def change(
    viewer: Viewer, rule_id: int, fields: Mapping[str, Any], names: Sequence[str] | None = None
) -> Ruled:
    """Command: change a rule's fields, and its levels unless `names` is None.

    Raises NotAllowed without `admin.users`, NotFound, SetTimeRule and Conflict as `create` does.
    """
    permissions.require(viewer, MAY)
    if "pattern" in fields:
        patterns.check(fields["pattern"], "pattern")
    with unit_of_work(gate="submit"):
        rule, held = rows.lock(rule_id)
        if fields.get("name", rule.name) != rule.name:
            _refuse_taken(fields["name"])
        rows.put(rule, held, fields, held if names is None else names)
        return rule, sorted(held if names is None else names)


@retried
def remove(viewer: Viewer, rule_id: int) -> None:
    """Command: delete a rule. Raises NotAllowed without `admin.users`, NotFound."""
    permissions.require(viewer, MAY)
    with unit_of_work(gate="submit"):
        rows.drop(*rows.lock(rule_id))


@retried
def attach(viewer: Viewer, level_id: int, rule_id: int, *, attached: bool = True) -> None:
    """Command: let a rule govern a level, or no more; one that does already is fine.

    Raises NotAllowed without `admin.users`, NotFound without the level or rule, or when it is to be
    taken from a level that does not have it.
    """
    permissions.require(viewer, MAY)
    with unit_of_work(gate="submit"):
        (rule, held), name = rows.lock(rule_id), rows.level(level_id).name
        if not attached and name not in held:
            raise NotFound(
                f"the rule {rule.name!r} is not attached to the level {name!r}",
                code="rule_not_attached",
            )
        rows.put(rule, held, {}, {*held, name} if attached else {*held} - {name})


@retried
def set_of_level(viewer: Viewer, level_id: int, rule_ids: Collection[int]) -> None:
    """Command: let exactly these rules govern a level.

    Raises NotAllowed without `admin.users`, NotFound without the level or one of the rules.
    """
    permissions.require(viewer, MAY)
    with unit_of_work(gate="submit"):
        name = rows.level(level_id).name
        found = {rule.id: (rule, held) for rule, held in rows.by_name()}
        for rule_id in rule_ids:
            if rule_id not in found:
                raise rows.not_there(rule_id)
        for rule, held in found.values():
            wanted = {*held, name} if rule.id in rule_ids else {*held} - {name}
            rows.put(rule, held, {}, wanted)


def _refuse_taken(name: str) -> None:
    if db.session.scalar(select(ResourceRule.id).where(ResourceRule.name == name)) is not None:
        raise Conflict(
            f"a resource rule is called {name!r} already; choose another name", code="duplicate"
        )
