"""Figures of quotas for Prometheus, and the rows that are past their time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select

from st_core.clock import now
from st_core.contracts import Metric
from st_core.db import db, unit_of_work
from st_core.services import settings

from .models import QuotasCeiling, QuotasUse
from .settings import HISTORY_DAYS

BATCH = 1000


def metrics() -> list[Metric]:
    """Return how many ceilings there are, and what admitted jobs hold."""
    scope = QuotasCeiling.scope
    ceilings = db.session.execute(select(scope, func.count()).group_by(scope))
    held = select(
        func.count(), func.sum(QuotasUse.local_gpus), func.sum(QuotasUse.held_cost_usd)
    ).where(QuotasUse.ended_at.is_(None))
    jobs, gpus, usd = db.session.execute(held).one()
    return [
        Metric(
            "simpletuner_quota_ceilings",
            "gauge",
            "Ceilings that are set, by scope",
            tuple(({"scope": name}, float(count)) for name, count in ceilings),
        ),
        _one("jobs", "Jobs that hold a place: admitted and not ended", jobs),
        _one("local_gpus", "GPUs of this machine that such jobs hold", gpus),
        _one("cost_usd", "Estimated cost that such jobs hold, in US dollars", usd),
    ]


def _one(name: str, help_text: str, value: object) -> Metric:
    held = float(str(value or 0))
    return Metric(f"simpletuner_quota_held_{name}", "gauge", help_text, (({}, held),))


def purge(dry_run: bool) -> int:
    """Command: delete closed uses past their time; return how many went, or would go."""
    before = now() - timedelta(days=settings.value(HISTORY_DAYS))
    old = (QuotasUse.ended_at < before, QuotasUse.admitted_at < before)
    if dry_run:
        return db.session.scalar(select(func.count()).select_from(QuotasUse).where(*old)) or 0
    gone = 0
    while True:
        with unit_of_work():
            some = select(QuotasUse.id).where(*old).limit(BATCH).scalar_subquery()
            went = delete(QuotasUse).where(QuotasUse.id.in_(some)).returning(QuotasUse.id)
            count = len(db.session.scalars(went).all())
            gone += count
            if count < BATCH:
                return gone
