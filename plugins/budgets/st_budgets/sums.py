"""Sums over the ledger: what a provider, a team, an organisation or everybody spent and holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true

from st_core.db import db

from .ledger import HELD, SPENT
from .models import BudgetsHold, BudgetsPosting

COLUMNS = {"provider": "provider", "team": "team_id", "org": "org_id"}


@dataclass(frozen=True)
class Use:
    """What was spent since a moment, and what jobs that have not ended hold."""

    spent_usd: Decimal
    held_usd: Decimal

    @property
    def usd(self) -> Decimal:
        """Return both together."""
        return self.spent_usd + self.held_usd


#: A scope, whose it is (a provider's name or a number), and the moment from which on it counts.
Asked = tuple[str, Any, datetime]


def of(asked: Sequence[Asked], at: datetime) -> list[Use]:
    """Return the use of each as it stood at `at`, all from one statement: money that is settled
    meanwhile is seen either as held or as spent."""
    if not asked:
        return []
    parts = [
        part.scalar_subquery()
        for scope, who, since in asked
        for part in (_spent(scope, who, since, at), _held(scope, who), _later(scope, who, at))
    ]
    found = db.session.execute(select(*parts)).one()
    return [Use(found[n], found[n + 1] - found[n + 2]) for n in range(0, len(found), 3)]


def _spent(scope: str, who: Any, since: datetime, at: datetime) -> Select[Any]:
    return select(func.coalesce(func.sum(BudgetsPosting.amount_usd), 0)).where(
        BudgetsPosting.account == SPENT,
        BudgetsPosting.at > since,
        BudgetsPosting.at <= at,
        _is(BudgetsPosting, scope, who),
    )


def _held(scope: str, who: Any) -> Select[Any]:
    return select(func.coalesce(func.sum(BudgetsHold.held_usd), 0)).where(
        _is(BudgetsHold, scope, who)
    )


def _later(scope: str, who: Any, at: datetime) -> Select[Any]:
    """Return what came to be held after `at`, which does not count then."""
    return select(func.coalesce(func.sum(BudgetsPosting.amount_usd), 0)).where(
        BudgetsPosting.account == HELD, BudgetsPosting.at > at, _is(BudgetsPosting, scope, who)
    )


def _is(table: Any, scope: str, who: Any) -> ColumnElement[bool]:
    criterion: ColumnElement[bool] = (
        true() if scope == "global" else getattr(table, COLUMNS[scope]) == who
    )
    return criterion
