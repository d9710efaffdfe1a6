"""Jobs and money in numbers: how many ended how, how long they took, what was spent by day."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from st_core.clock import now
from st_core.contracts import Capability
from st_core.db import db
from st_core.models import Job, JobState
from st_core.services import registries

from . import spending

ENDED = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def figures(days: int) -> dict[str, Any]:
    """Return the figures of the last `days` days, today included; all by aggregate queries."""
    begin = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    day = func.date(Job.created_at)
    query = (
        select(day, Job.state, Job.provider, func.count())
        .where(Job.created_at >= begin)
        .group_by(day, Job.state, Job.provider)
    )
    rows = [(str(date), *rest) for date, *rest in db.session.execute(query)]
    by_status: dict[str, int] = defaultdict(int)
    by_day: dict[str, dict[str, Any]] = defaultdict(_blank)
    for date, state, provider, count in rows:
        by_status[state.value] += count
        one = by_day[date]
        one["total_jobs"] += count
        one["local_jobs" if _is_local(provider) else "cloud_jobs"] += count
        if state in ENDED:
            one[state.value] += count
    spent = spending.by_day(days, "provider")
    for row in spent:
        by_day[row.date]["total_cost_usd"] += float(row.usd)
    return {
        "total_cost": float(sum((row.usd for row in spent), Decimal(0))),
        "job_count": sum(by_status.values()),
        "avg_job_duration_seconds": _mean_seconds(begin),
        "jobs_by_status": dict(by_status),
        "cost_by_day": [{"date": date, **one} for date, one in sorted(by_day.items())],
        "period_days": days,
    }


def _blank() -> dict[str, Any]:
    names = ("total_jobs", "completed", "failed", "cancelled", "local_jobs", "cloud_jobs")
    return {**dict.fromkeys(names, 0), "total_cost_usd": 0.0}


def _is_local(provider: str) -> bool:
    found = registries.providers().get(provider)
    return found is not None and Capability.LOCAL_FILES in found.capabilities


def _mean_seconds(begin: Any) -> float | None:
    """Return the mean length of the newest 1,000 jobs that completed since."""
    query = (
        select(Job.started_at, Job.completed_at)
        .where(Job.completed_at >= begin, Job.state == JobState.COMPLETED)
        .order_by(Job.completed_at.desc())
        .limit(1000)
    )
    rows = db.session.execute(query)
    lasted = [(end - start).total_seconds() for start, end in rows if start and end]
    return sum(lasted) / len(lasted) if lasted else None
