"""What was spent, by day and by team, provider, person or hardware."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from st_core.clock import now
from st_core.db import db
from st_core.models import Team, User

from .ledger import SPENT
from .models import BudgetsHold, BudgetsPosting

GROUPS = {
    "team": BudgetsPosting.team_id,
    "provider": BudgetsPosting.provider,
    "person": BudgetsPosting.user_id,
    "hardware": BudgetsPosting.hardware,
}


@dataclass(frozen=True)
class Spent:
    """What one group spent on one day of UTC (`2026-11-23`)."""

    date: str
    name: str
    usd: Decimal


def by_day(days: int, by: str) -> list[Spent]:
    """Return what each group spent on each of the last `days` days, summed by the database."""
    column: Any = GROUPS[by]
    day = func.date(BudgetsPosting.at)
    begin = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    query = (
        select(day, column, func.sum(BudgetsPosting.amount_usd))
        .where(BudgetsPosting.account == SPENT, BudgetsPosting.at >= begin)
        .group_by(day, column)
        .order_by(day)
    )
    found = db.session.execute(query).all()
    names = _names(by, {key for _, key, _ in found})
    return [Spent(str(date), names.get(key, str(key or "none")), usd) for date, key, usd in found]


def totals(rows: list[Spent]) -> dict[str, Decimal]:
    """Return what each group spent in all, the most first."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row.name] += row.usd
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def held() -> Decimal:
    """Return what all jobs that have not ended hold."""
    return db.session.scalar(select(func.sum(BudgetsHold.held_usd))) or Decimal(0)


def holders() -> int:
    """Return how many jobs hold something."""
    query = select(func.count()).select_from(BudgetsHold).where(BudgetsHold.held_usd > 0)
    return db.session.scalar(query) or 0


def total() -> Decimal:
    """Return everything that was ever spent."""
    query = select(func.sum(BudgetsPosting.amount_usd)).where(BudgetsPosting.account == SPENT)
    return db.session.scalar(query) or Decimal(0)


def _names(by: str, keys: set[Any]) -> dict[Any, str]:
    none: dict[Any, str] = {None: "no team" if by == "team" else "none"}
    if by == "team":
        query = select(Team.id, Team.name).where(Team.id.in_(keys))
        return none | {key: name for key, name in db.session.execute(query)}
    if by == "person":
        people = select(User.id, User.username).where(User.id.in_(keys))
        return none | {key: name for key, name in db.session.execute(people)}
    return none
