"""Plans: what a tree would change, what its cases say, and what history says it would have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...contracts import Viewer
from .. import decisions, levels, permissions, what_if
from ..level_grants import all_holders
from . import cases, checking, parts
from .cases import Result
from .differences import Change, between
from .files import Tree

DAYS = 30


@dataclass(frozen=True)
class PartPlan:
    """What changes in one part; `history` is what it would have done, None where no submission
    is decided by it."""

    name: str
    title: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    history: what_if.Hindsight | None = None


@dataclass(frozen=True)
class Plan:
    """What a tree would change. `digest_before` is that of the same parts as they are in force."""

    parts: tuple[PartPlan, ...]
    results: tuple[Result, ...]
    digest_before: str
    digest_after: str
    documents: Mapping[str, Mapping[str, Any]] = field(repr=False, default_factory=dict)

    @property
    def changes_anything(self) -> bool:
        """Tell whether the tree says anything but what is in force."""
        return self.digest_before != self.digest_after

    @property
    def passes(self) -> bool:
        """Tell whether every case holds."""
        return all(each.passed for each in self.results)


def plan(viewer: Viewer, tree: Tree, days: int = DAYS) -> Plan:
    """Return what a tree would change; with `days` 0, without a look at history.

    Raises NotAllowed without `admin.config`, Malformed when the tree does not fit.
    """
    permissions.require(viewer, parts.MAY)
    wanted = checking.documents(tree)
    known = parts.known()
    before = {name: parts.in_force(known[name]) for name in wanted}
    return Plan(
        tuple(
            _of_part(viewer, known[name], before[name], wanted[name], days)
            for name in wanted
            if before[name] != parts.comparable(wanted[name])
        ),
        tuple(cases.run(cases.of(tree), wanted)),
        parts.digest(before),
        parts.digest(wanted),
        wanted,
    )


def _of_part(
    viewer: Viewer,
    part: parts.Part,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    days: int,
) -> PartPlan:
    history = None
    if days and part.name in decisions.policies():
        history = what_if.ask(viewer, part.name, after, days)
    return PartPlan(
        part.name,
        part.title,
        tuple(between(before, parts.comparable(after))),
        tuple(_warnings(part.name, before, after)),
        history,
    )


def _warnings(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what a change ends that no file brings back."""
    if name == "levels":
        counts, kept = all_holders(), {level["name"] for level in after["levels"]}
        return [
            f"{counts[level.id]} people lose the level {level.name}"
            for level in levels.all_levels()
            if level.name not in kept and counts.get(level.id)
        ]
    if name == "orgs":
        kept = {org["slug"] for org in after["orgs"]}
        return [
            f"the organisation {org['slug']} ends with its teams and memberships; its jobs stay"
            for org in before["orgs"]
            if org["slug"] not in kept
        ]
    return []


def text_of(found: Plan) -> str:
    """Return a plan as people read it."""
    lines: list[str] = []
    for part in found.parts:
        count = len(part.changes)
        lines.append(f"{part.title}: {count} change{'s' if count != 1 else ''}")
        lines += [f"  {change}" for change in part.changes]
        lines += [f"  ! {warning}" for warning in part.warnings]
        if part.history is not None:
            lines.append(f"  history: {_hindsight(part.history)}")
            lines += [
                f"    {each.user}: {each.before} -> {each.after}: {each.text}"
                for each in part.history.examples[:5]
            ]
    lines += [] if found.parts else ["Nothing changes: this is what is in force."]
    lines += [
        f"{'passed' if each.passed else 'FAILED'}  {each.name}: {each.text}"
        for each in found.results
    ]
    return "\n".join(lines)


def _hindsight(found: what_if.Hindsight) -> str:
    of_past = f"of {found.considered} submissions of the last {found.days} days"
    if not found.changed:
        return f"{of_past}, none would have come out otherwise"
    total = found.total
    return (
        f"{of_past}, {found.changed} would have come out otherwise: {total.refused} refused, "
        f"{total.asked} asked about, {total.admitted} admitted"
    )
