"""Limits and prices as the routes tell them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from st_core.models import Job

from . import schemas
from .limits import Whose
from .models import BudgetsPrice
from .standing import Standing


def status(one: Standing) -> schemas.Status:
    """Return how a limit stands."""
    return schemas.Status(**_told(one))


def limit(one: Standing) -> schemas.Limit:
    """Return a limit and how it stands."""
    return schemas.Limit(id=one.row.id, **_told(one))


def none(who: Whose, spent_usd: Decimal, held_usd: Decimal) -> schemas.Status:
    """Return the standing of a subject without a limit: what it spent in 30 days, and holds."""
    return schemas.Status(
        current_spend=float(spent_usd + held_usd),
        spent=float(spent_usd),
        held=float(held_usd),
        message="no cost limit is set",
        scope=who.scope,
        name=who.name,
    )


def price(row: BudgetsPrice) -> schemas.Price:
    """Return a price."""
    return schemas.Price(
        id=row.id,
        provider=row.provider,
        hardware=row.hardware,
        cost_per_hour=float(row.cost_per_hour_usd),
        valid_from=row.valid_from,
        set_by=row.set_by,
    )


def of_job(job: Job, held_usd: Decimal | None) -> dict[str, Any]:
    """Return a job's money: estimate, cost so far, what it holds, and how far off the estimate
    was."""
    off = None
    if job.state.is_final and job.cost_usd is not None and job.estimated_cost_usd:
        off = float(100 * (job.cost_usd - job.estimated_cost_usd) / job.estimated_cost_usd)
    return {"job": job, "held_usd": held_usd, "off_percent": off}


def _told(one: Standing) -> dict[str, Any]:
    words = {"exceeded": "the limit is reached", "warning": "more than 80% of the limit is used"}
    return {
        "enabled": one.row.enabled,
        "limit_amount": float(one.row.amount_usd),
        "period": one.row.period,
        "action": one.row.action,
        "current_spend": float(one.use.usd),
        "spent": float(one.use.spent_usd),
        "held": float(one.use.held_usd),
        "percent_used": round(one.percent, 2),
        "is_exceeded": one.stage == "exceeded",
        "is_warning": bool(one.stage),
        "message": words.get(one.stage),
        "scope": one.whose.scope,
        "name": one.whose.name,
        "window": one.row.window,
        "mode": one.row.mode,
        "forecast": round(float(one.forecast_usd), 2),
        "reached_at": one.reached_at,
    }
