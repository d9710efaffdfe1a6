"""The page Spend, and the panels of money on a job's page and on the provider settings."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import render_template, request

from st_core.api.guard import current_viewer
from st_core.api.routing import page
from st_core.clock import now
from st_core.contracts import NavItem, Section, Viewer
from st_core.db import db
from st_core.services import registries
from st_core.web import charts, formats

from . import prices, rendering, spending, standing
from .api import SEE, SET, blueprint
from .limits import ACTIONS
from .models import BudgetsHold
from .options import OPTIONS
from .spending import Spent

URL = "/spend"
NAV_ITEMS = [NavItem("Spend", URL, icon="bar-chart", order=30, permission=SEE)]
PAGE = {
    "title": "Spend",
    "current": f"budgets:{URL}",
    "crumbs": [{"word": "Spend", "url": ""}],
    "narrow": False,
}
DAYS = {"week": 7, "month": 30, "quarter": 91}
#: The sixth colour is everything else.
SERIES = 5
WORDS = {
    "warn": "job proceeds with a warning",
    "block": "jobs are refused",
    "notify": "job proceeds, admins are told",
    "require_approval": "jobs need approval",
}


@page(blueprint, URL, permission=SEE)
def spend() -> str:
    """Show what was spent, how limits stand and when they will be reached; `by` groups it."""
    viewer = current_viewer()
    by = request.args.get("by", "team")
    by = by if by in spending.GROUPS else "team"
    period = request.args.get("period", "month")
    days = DAYS.get(period, 30)
    rows = spending.by_day(days, by)
    total = sum((row.usd for row in rows), Decimal(0))
    found = standing.of_all()
    held = spending.held()
    return render_template(
        "budgets/spend.html",
        page=PAGE,
        by=by,
        groups=list(spending.GROUPS),
        period=period if period in DAYS else "month",
        periods=list(DAYS),
        days=days,
        total=total,
        held=held,
        holders=spending.holders(),
        a_month=total / days * 30,
        chart=_chart(rows, days, by),
        names=_shown(spending.totals(rows)),
        totals=spending.totals(rows),
        limits=found,
        soon=sorted(
            (one for one in found if one.limits and one.reached_at),
            key=lambda one: one.reached_at or now(),
        ),
        prices=prices.history(50),
        is_empty=not rows and not held and not found,
        may_set=viewer.may(SET),
        providers=sorted(registries.providers()),
        actions=ACTIONS,
        words=WORDS,
        drawn_at=now(),
    )


#: Forms of providers on the settings page; the others are on Spend.
MOST_FORMS = 3


def _shown(totals: dict[str, Decimal]) -> list[str]:
    """Return the groups that have a colour of their own."""
    return list(totals)[:SERIES]


def _chart(rows: list[Spent], days: int, by: str) -> Any:
    """Return the curve of what each group had spent by each day, everything else together."""
    if not rows:
        return ""
    shown = _shown(spending.totals(rows))
    names = shown + (["everything else"] if any(row.name not in shown for row in rows) else [])
    first = now().date() - timedelta(days=days - 1)
    sums: dict[str, list[float]] = {name: [0.0] * days for name in names}
    for row in rows:
        place = (date.fromisoformat(row.date) - first).days
        name = row.name if row.name in sums else names[-1]
        if 0 <= place < days:
            sums[name][place] += float(row.usd)
    for series in sums.values():
        for place in range(1, days):
            series[place] += series[place - 1]
    total = sum(series[-1] for series in sums.values())
    return charts.lines(
        f"Spent per {by}",
        f"Together {formats.money(total)} in {days} days",
        [float(n) for n in range(days)],
        list(sums.items()),
        size=(1000, 230),
        x_format=lambda n: f"{first + timedelta(days=int(n)):%d %b}",
        y_format=lambda usd: formats.money(usd),
    )


def sections(name: str, viewer: Viewer, subject: Any) -> list[Section]:
    """Return the panel for a page, if there is anything to say about money there."""
    if name == "settings":
        found = [(one, OPTIONS.read(one)) for one in sorted(registries.providers())]
        found.sort(key=lambda pair: not pair[1].get("cost_limit_enabled"))  # those in force first
        context = {"limits": found, "words": WORDS, "most": MOST_FORMS}
        return [Section("budgets/settings.html", context, "Cost limits", "main", 10)]
    if name != "job":
        return []
    kept = db.session.get(BudgetsHold, subject.id)
    if subject.cost_usd is None and subject.estimated_cost_usd is None and kept is None:
        return []
    context = rendering.of_job(subject, kept.held_usd if kept else None)
    url = URL if viewer.may(SEE) else ""
    return [Section("budgets/job.html", {**context, "url": url}, "Cost", "side", 40)]
