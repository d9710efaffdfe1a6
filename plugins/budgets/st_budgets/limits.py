"""Cost limits: set, removed and listed, each with whose it is by its natural name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from st_core.clock import now
from st_core.db import assert_unit_of_work, db, unit_of_work
from st_core.errors import NotFound, SetTimeRule
from st_core.models import Org, Team
from st_core.services import events, registries, scopes

from .models import BudgetsCrossing, BudgetsLimit

SCOPES = ("provider", "team", "org", "global")
ACTIONS = ("warn", "block", "notify", "require_approval")
FIELDS = ("enabled", "amount_usd", "period", "window", "action", "mode")
DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "amount_usd": Decimal(0),
    "period": "monthly",
    "window": "rolling",
    "action": "warn",
    "mode": "enforce",
}


@dataclass(frozen=True)
class Whose:
    """Whom a limit is for: its scope, its natural name, and the number or name in the ledger."""

    scope: str
    name: str
    key: Any

    @property
    def subject(self) -> str:
        """Return the one text that stands for it."""
        return f"{self.scope}:{'' if self.key is None else self.key}"


def whose(scope: str, name: str) -> Whose:
    """Return whom a scope and a natural name mean. Raises SetTimeRule when there is none."""
    if scope == "global":
        return Whose("global", "", None)
    key = _find(scope, name)
    if key is None:
        raise SetTimeRule(f"there is no {scope} {name!r} to limit; look at how it is spelt")
    return Whose(scope, name, key)


def _find(scope: str, name: str) -> Any:
    if scope == "provider":
        return name if name in registries.providers() else None
    if scope == "org":
        return db.session.scalar(select(Org.id).where(Org.slug == name))
    org, _, team = name.partition("/")
    query = select(Team.id).join(Org, Org.id == Team.org_id)
    return db.session.scalar(query.where(Org.slug == org, Team.slug == team))


def everything() -> list[tuple[BudgetsLimit, Whose]]:
    """Return every limit with whose it is, in order of scope and name."""
    found = [(row, _owner(row)) for row in db.session.scalars(select(BudgetsLimit))]
    return sorted(found, key=lambda pair: (SCOPES.index(pair[1].scope), pair[1].name))


def of(who: Whose) -> BudgetsLimit | None:
    """Return the limit of one subject."""
    return db.session.scalar(select(BudgetsLimit).where(BudgetsLimit.subject == who.subject))


def _owner(row: BudgetsLimit) -> Whose:
    if row.scope == "provider":
        return Whose("provider", row.provider or "", row.provider)
    if row.scope == "team":
        return Whose("team", scopes.team_path(row.team_id) or "", row.team_id)
    if row.scope == "org":
        return Whose("org", scopes.org_slug(row.org_id) or "", row.org_id)
    return Whose("global", "", None)


def change(who: Whose, given: Mapping[str, Any]) -> None:
    """Command: set what is given of one subject's limit; the rest stays, or is the default."""
    with unit_of_work(gate="submit"):
        put(who, given)


def remove(limit_id: int) -> None:
    """Command: take a limit away. Raises NotFound."""
    with unit_of_work(gate="submit"):
        row = db.session.get(BudgetsLimit, limit_id)
        if row is None:
            raise NotFound(f"there is no cost limit {limit_id}")
        drop(row, _owner(row))


def put(who: Whose, given: Mapping[str, Any]) -> BudgetsLimit:
    """Step: set what is given of a limit, with an event when something changed."""
    assert_unit_of_work()
    row = of(who)
    before = values(row) if row else None
    if row is None:
        row = BudgetsLimit(subject=who.subject, scope=who.scope, **DEFAULTS)
        if who.scope != "global":
            setattr(row, {"provider": "provider"}.get(who.scope, f"{who.scope}_id"), who.key)
        db.session.add(row)
    for name, value in given.items():
        setattr(row, name, value)
    db.session.flush()
    after = values(row)
    if after != before:
        row.updated_at = now()
        _tell(who, before, after)
    return row


def drop(row: BudgetsLimit, who: Whose) -> None:
    """Step: remove a limit and tell of it."""
    told = db.session.get(BudgetsCrossing, row.id)
    if told is not None:
        db.session.delete(told)
    _tell(who, values(row), None)
    db.session.delete(row)
    db.session.flush()


def replace_all(wanted: Iterable[tuple[Whose, Mapping[str, Any]]]) -> None:
    """Step: make the limits exactly those. Raises SetTimeRule for a subject named twice."""
    subjects: set[str] = set()
    for who, given in wanted:
        if who.subject in subjects:
            raise SetTimeRule(f"the cost limit of {who.scope} {who.name!r} is there twice")
        subjects.add(who.subject)
        put(who, given)
    for row, who in everything():
        if who.subject not in subjects:
            drop(row, who)


def values(row: BudgetsLimit) -> dict[str, Any]:
    """Return what a limit says, money as text."""
    return {name: getattr(row, name) for name in FIELDS} | {"amount_usd": plain(row.amount_usd)}


def plain(usd: Decimal) -> str:
    """Return an amount as text without zeros that say nothing."""
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _tell(who: Whose, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    events.emit(
        "cost.changed",
        subject=("cost_limit", who.subject),
        team_id=who.key if who.scope == "team" else None,
        org_id=who.key if who.scope == "org" else None,
        message=f"cost limit of {who.scope} {who.name}".strip(),
        before=dict(before) if before else None,
        after=dict(after) if after else None,
    )
