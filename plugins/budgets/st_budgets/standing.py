"""How limits stand: spent, held, share, and when they will be reached at the present rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from st_core.clock import now

from . import limits, periods, sums
from .limits import Whose
from .models import BudgetsLimit
from .policy import WARN_AT
from .sums import Use

#: The present rate is that of the last so many days.
RATE_DAYS = 7


@dataclass(frozen=True)
class Standing:
    """One limit now. `reached_at` is when it will be reached at the rate of the last days, None
    when not within the period; `forecast_usd` what will be spent and held at its end."""

    row: BudgetsLimit
    whose: Whose
    use: Use
    since: datetime
    until: datetime
    forecast_usd: Decimal
    reached_at: datetime | None

    @property
    def limits(self) -> bool:
        """Tell whether it limits anything."""
        return self.row.enabled and self.row.amount_usd > 0

    @property
    def percent(self) -> float:
        """Return how much of the amount is spent and held, in percent."""
        return float(100 * self.use.usd / self.row.amount_usd) if self.limits else 0.0

    @property
    def stage(self) -> str:
        """Return exceeded, warning (from 80 percent on), or nothing."""
        if not self.limits or self.use.usd < WARN_AT * self.row.amount_usd:
            return ""
        return "exceeded" if self.use.usd >= self.row.amount_usd else "warning"


def of_all() -> list[Standing]:
    """Return how every limit stands now."""
    return of(limits.everything())


def of(found: list[tuple[BudgetsLimit, Whose]]) -> list[Standing]:
    """Return how these limits stand now, from one statement."""
    at = now()
    asked = []
    for row, who in found:
        asked.append((who.scope, who.key, periods.begin(row.period, row.window, at)))
        asked.append((who.scope, who.key, at - timedelta(days=RATE_DAYS)))
    uses = sums.of(asked, at)
    return [
        _standing(row, who, uses[2 * n], uses[2 * n + 1].spent_usd, at)
        for n, (row, who) in enumerate(found)
    ]


def _standing(row: BudgetsLimit, who: Whose, use: Use, lately: Decimal, at: datetime) -> Standing:
    since = periods.begin(row.period, row.window, at)
    until = periods.end(row.period, row.window, at)
    a_day = lately / RATE_DAYS
    left = Decimal((until - at).total_seconds()) / 86_400
    reached = None
    if use.usd < row.amount_usd and a_day > 0:
        days = (row.amount_usd - use.usd) / a_day
        reached = at + timedelta(days=float(days)) if days <= left else None
    gone = row.window == "rolling"
    forecast = a_day * periods.DAYS[row.period] if gone else use.usd + a_day * left
    if gone and forecast < row.amount_usd:
        reached = None  # as much falls out of the window as comes in
    return Standing(row, who, use, since, until, forecast, reached)
