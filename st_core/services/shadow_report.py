"""What rules in shadow mode would have done: their findings were recorded and never acted.

A rule is told from its first finding on. What it did not object to left no finding, so the number
of submissions that its policy was asked about since then stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from ..clock import now
from ..db import db
from ..models import Decision
from . import outcomes

MOST_DECISIONS = 5000


@dataclass
class Shadow:
    """One rule in shadow mode: how often it would have refused, asked, or only warned; of how many
    submissions since its first finding, and whose. `usd` is what these were expected to cost."""

    policy: str
    rule: str
    first_at: datetime
    last_at: datetime
    refused: int = 0
    asked: int = 0
    warned: int = 0
    considered: int = 0
    usd: Decimal = Decimal(0)
    people: set[str] = field(default_factory=set)
    text: str = ""


@dataclass(frozen=True)
class Report:
    """Every rule that spoke in shadow within some days; `is_capped` says older ones are missing."""

    days: int
    rules: tuple[Shadow, ...]
    is_capped: bool


def of(days: int) -> Report:
    """Return what rules in shadow mode would have done within the last days."""
    since = now() - timedelta(days=days)
    query = select(Decision).where(Decision.at >= since).order_by(Decision.id.desc())
    rows = db.session.scalars(query.limit(MOST_DECISIONS + 1)).all()
    found: dict[tuple[str, str], Shadow] = {}
    for row in reversed(rows[:MOST_DECISIONS]):
        for answer in row.answers:
            _count(found, row, answer["policy"], answer["findings"])
    told = sorted(found.values(), key=lambda one: (-one.refused, -one.asked, one.policy, one.rule))
    return Report(days, tuple(told), len(rows) > MOST_DECISIONS)


def _count(
    found: dict[tuple[str, str], Shadow], row: Decision, policy: str, findings: list[dict[str, str]]
) -> None:
    """Count what one policy said of one submission."""
    for finding in findings:
        if not finding.get("shadow") or finding["effect"] == "allow":
            continue
        rule = found.setdefault(
            (policy, finding["rule"]), Shadow(policy, finding["rule"], row.at, row.at)
        )
        rule.last_at, rule.text = row.at, finding["text"]
        rule.people.add(row.asked["user"])
        rule.usd += Decimal(row.asked.get("estimate_usd") or 0)
        name = _NAMES[outcomes.if_acting([finding], {})]
        setattr(rule, name, getattr(rule, name) + 1)
    for (owner, _), rule in found.items():
        rule.considered += owner == policy


_NAMES = {outcomes.REFUSED: "refused", outcomes.ASKED: "asked", outcomes.ADMITTED: "warned"}
