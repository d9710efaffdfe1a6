"""The rules as rows: read, and written step by step with an event for each change.

A rule that no level has governs nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from st_core.actor import current
from st_core.db import assert_unit_of_work, db
from st_core.errors import NotFound
from st_core.models import Level
from st_core.services import events, level_grants, levels

from .document import Document
from .models import Attachment, ResourceRule

FIELDS = ("name", "resource_type", "pattern", "action", "priority", "description", "mode")
Ruled = tuple[ResourceRule, list[str]]


def by_name(*criteria: Any) -> list[Ruled]:
    """Return rules with the names of their levels, in order of name."""
    query = select(ResourceRule).where(*criteria).order_by(ResourceRule.name)
    found = list(db.session.scalars(query))
    attached: dict[int, list[str]] = {}
    pairs = select(Attachment.rule_id, Level.name).join(Level, Level.id == Attachment.level_id)
    for rule_id, name in db.session.execute(pairs.order_by(Level.name)):
        attached.setdefault(rule_id, []).append(name)
    return [(rule, attached.get(rule.id, [])) for rule in found]


def in_order(resource_type: str | None = None) -> list[Ruled]:
    """Return rules by type, then the highest priority first, then by name."""
    found = by_name(*([ResourceRule.resource_type == resource_type] if resource_type else []))
    return sorted(found, key=lambda pair: (pair[0].resource_type, -pair[0].priority, pair[0].name))


def one(rule_id: int) -> Ruled:
    """Return one rule. Raises NotFound."""
    found = by_name(ResourceRule.id == rule_id)
    if not found:
        raise not_there(rule_id)
    return found[0]


def of_level(level_id: int) -> list[Ruled]:
    """Return the rules of a level. Raises NotFound without such a level."""
    name = level(level_id).name
    return [(rule, names) for rule, names in in_order() if name in names]


def described(rule: ResourceRule, names: Sequence[str]) -> dict[str, Any]:
    """Return a rule as its document and its events have it."""
    return {**{field: getattr(rule, field) for field in FIELDS}, "levels": sorted(names)}


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def replace_all(document: Document) -> None:
    """Step: make the rules those of `document`; one of the same name is the same rule.

    Raises SetTimeRule for a level there is not.
    """
    assert_unit_of_work()
    present = {rule.name: (rule, held) for rule, held in by_name()}
    wanted = {rule.name: rule.model_dump() for rule in document.rules}
    for name, (rule, held) in present.items():
        if name not in wanted:
            drop(rule, held)
    for name, fields in wanted.items():
        names = fields.pop("levels")
        if name in present:
            put(*present[name], fields, names)
        else:
            add(fields, names)


def add(fields: Mapping[str, Any], names: Iterable[str]) -> ResourceRule:
    """Step: make a rule. Raises SetTimeRule for a level there is not."""
    rule = ResourceRule(**fields, created_by=current().user_id)
    db.session.add(rule)
    db.session.flush()
    _attach(rule, names)
    events.emit(
        "resource_rule.created",
        subject=("resource_rule", rule.id),
        after=described(rule, list(names)),
        message=f"the resource rule {rule.name} was made",
    )
    return rule


def put(
    rule: ResourceRule, held: Sequence[str], fields: Mapping[str, Any], names: Iterable[str]
) -> None:
    """Step: set fields and levels, with one event when that changes anything."""
    before = described(rule, held)
    after = {**before, **fields, "levels": sorted(set(names))}
    changed = [name for name in before if before[name] != after[name]]
    if not changed:
        return
    for field in fields:
        setattr(rule, field, fields[field])
    if "levels" in changed:
        db.session.execute(delete(Attachment).where(Attachment.rule_id == rule.id))
        _attach(rule, after["levels"])
    events.emit(
        "resource_rule.updated",
        subject=("resource_rule", rule.id),
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        message=f"the resource rule {rule.name}: {', '.join(changed)}",
    )


def drop(rule: ResourceRule, held: Sequence[str]) -> None:
    """Step: delete a rule."""
    events.emit(
        "resource_rule.deleted",
        subject=("resource_rule", rule.id),
        before=described(rule, held),
        message=f"the resource rule {rule.name} was deleted",
    )
    db.session.execute(delete(Attachment).where(Attachment.rule_id == rule.id))
    db.session.delete(rule)
    db.session.flush()


def _attach(rule: ResourceRule, names: Iterable[str]) -> None:
    """Step: attach a rule that no level has yet. Raises SetTimeRule for a level there is not."""
    for level in level_grants.named(sorted(set(names))):
        db.session.add(Attachment(level_id=level.id, rule_id=rule.id))
    db.session.flush()


def lock(rule_id: int) -> Ruled:
    """Step: return a rule as just now; the gate keeps others from changing it. Raises NotFound."""
    db.session.expire_all()
    return one(rule_id)


def level(level_id: int) -> Level:
    """Return a level. Raises NotFound."""
    found = next((each for each in levels.all_levels() if each.id == level_id), None)
    if found is None:
        raise NotFound(f"there is no level {level_id}", code="level_not_found")
    return found


def not_there(rule_id: int) -> NotFound:
    """Return the error for a rule there is not."""
    return NotFound(f"there is no resource rule {rule_id}", code="rule_not_found")
