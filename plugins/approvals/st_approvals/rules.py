"""The rules themselves: made, changed and deleted, each change told with before and after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from st_core import actor as actors
from st_core.contracts import Viewer
from st_core.db import assert_unit_of_work, db, retried, unit_of_work
from st_core.errors import Conflict, NotFound, SetTimeRule
from st_core.services import events, levels, permissions

from . import conditions
from .models import ApprovalsRule

#: What makes a rule, beside its number and who made it.
FIELDS = (
    "name",
    "description",
    "condition",
    "threshold",
    "is_active",
    "mode",
    "priority",
    "applies_to_provider",
    "applies_to_level",
    "exempt_levels",
    "required_approver_level",
    "quorum",
    "lifetime_hours",
)
#: The gate under which policy changes, so that a submission sees it before or after.
GATE = "submit"
WRITE = "admin.config"


def all_rules(*, active_only: bool = False) -> list[ApprovalsRule]:
    """Return the rules in the order in which they are tried."""
    query = select(ApprovalsRule).order_by(ApprovalsRule.priority.desc(), ApprovalsRule.id)
    if active_only:
        query = query.where(ApprovalsRule.is_active)
    return list(db.session.scalars(query))


def get(rule_id: int) -> ApprovalsRule:
    """Return a rule. Raises NotFound."""
    rule = db.session.get(ApprovalsRule, rule_id)
    if rule is None:
        raise NotFound(f"there is no approval rule {rule_id}", code="rule_not_found")
    return rule


def described(rule: ApprovalsRule) -> dict[str, Any]:
    """Return a rule as its document has it."""
    return {name: getattr(rule, name) for name in FIELDS}


def create(viewer: Viewer, values: Mapping[str, Any]) -> ApprovalsRule:
    """Command: make a rule. Raises NotAllowed, SetTimeRule, Conflict when its name is taken."""
    permissions.require(viewer, WRITE)
    with unit_of_work(gate=GATE):
        return _insert(values)


@retried
def change(viewer: Viewer, rule_id: int, changes: Mapping[str, Any]) -> ApprovalsRule:
    """Command: change a rule; what is left out stays.

    Raises NotAllowed, NotFound, SetTimeRule, Conflict when its name is taken.
    """
    permissions.require(viewer, WRITE)
    with unit_of_work(gate=GATE):
        rule = _lock(rule_id)
        _update(rule, described(rule) | dict(changes))
        return rule


@retried
def delete(viewer: Viewer, rule_id: int) -> None:
    """Command: delete a rule; requests it has led to keep its name. Raises NotAllowed, NotFound."""
    permissions.require(viewer, WRITE)
    with unit_of_work(gate=GATE):
        _delete(_lock(rule_id))


def replace_all(wanted: Sequence[Mapping[str, Any]]) -> None:
    """Step: make the rules be exactly these, told apart by name, tried in this order.

    Raises SetTimeRule when one cannot be, or a name is there twice.
    """
    assert_unit_of_work()
    names = [rule["name"] for rule in wanted]
    if len(set(names)) != len(names):
        raise SetTimeRule("Two approval rules have one name.", code="duplicate")
    present = {rule.name: rule for rule in all_rules()}
    for name in present.keys() - set(names):
        _delete(present.pop(name))
    db.session.flush()
    for name in _out_of_order(wanted, present):
        _delete(present.pop(name))
    db.session.flush()
    for values in wanted:
        if rule := present.get(values["name"]):
            _update(rule, values)
        else:
            _insert(values)


def _out_of_order(
    wanted: Sequence[Mapping[str, Any]], present: Mapping[str, ApprovalsRule]
) -> list[str]:
    """Return the rules to be made anew, because of one priority the older is tried first."""
    newest: dict[int, float] = {}
    anew = []
    for values in wanted:
        rule = present.get(values["name"])
        if rule is not None and rule.id > newest.get(values["priority"], 0):
            newest[values["priority"]] = rule.id
            continue
        newest[values["priority"]] = math.inf
        anew += [rule.name] if rule is not None else []
    return anew


def _insert(values: Mapping[str, Any]) -> ApprovalsRule:
    """Step: insert a checked rule."""
    rule = ApprovalsRule(**_checked(values), created_by=actors.current().user_id)
    _require_free(rule.name)
    db.session.add(rule)
    db.session.flush()
    _tell("approval.rule_created", rule, after=described(rule))
    return rule


def _update(rule: ApprovalsRule, values: Mapping[str, Any]) -> None:
    """Step: let a rule be these values, and tell what changed."""
    before, after = described(rule), _checked(values)
    changed = [name for name in FIELDS if before[name] != after[name]]
    if not changed:
        return
    if "name" in changed:
        _require_free(after["name"])
    for name in changed:
        setattr(rule, name, after[name])
    db.session.flush()
    _tell(
        "approval.rule_updated",
        rule,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )


def _delete(rule: ApprovalsRule) -> None:
    """Step: delete a rule."""
    _tell("approval.rule_deleted", rule, before=described(rule))
    db.session.delete(rule)


def _tell(event: str, rule: ApprovalsRule, **change: Any) -> None:
    events.emit(event, subject=("approval_rule", rule.id), message=rule.name, **change)


def _lock(rule_id: int) -> ApprovalsRule:
    """Step: return a rule as just now. Raises NotFound."""
    db.session.expire_all()
    return get(rule_id)


def _require_free(name: str) -> None:
    """Pass when no rule has this name. Raises Conflict."""
    if db.session.scalar(select(ApprovalsRule.id).where(ApprovalsRule.name == name)) is not None:
        raise Conflict(
            f"There is an approval rule {name!r} already; change that one, or choose another name.",
            code="duplicate",
            fields=[{"path": "name", "message": "taken"}],
        )


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a rule that can be. Raises SetTimeRule naming the field."""
    checked = {name: values[name] for name in FIELDS}
    condition = conditions.named(checked["condition"])
    checked["threshold"] = condition.check(checked["threshold"])
    checked["exempt_levels"] = sorted(set(checked["exempt_levels"]))
    named = [("exempt_levels", level) for level in checked["exempt_levels"]]
    named += [("required_approver_level", checked["required_approver_level"])]
    if checked["applies_to_level"]:
        named.append(("applies_to_level", checked["applies_to_level"]))
    if condition.value == "user_level":
        named.append(("threshold", checked["threshold"]))
    for path, level in named:
        _require_level(level, path)
    return checked


def _require_level(name: str, path: str) -> None:
    """Pass when there is such a level. Raises SetTimeRule."""
    known = levels.priorities()
    if name not in known:
        raise SetTimeRule(
            f"There is no level {name[:50]!r}. There are: {', '.join(known)}.",
            code="unknown_level",
            fields=[{"path": path, "message": "unknown"}],
        )
