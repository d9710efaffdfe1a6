"""What a job here will cost and take: the hourly rate of a slot times how long this config ran
before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import fmean, pstdev
from typing import Any

from sqlalchemy import select

from st_core.contracts import Estimate, Submission
from st_core.db import db
from st_core.models import Job, JobState
from st_core.services import settings

from .allotment import Wish

LOOKED_AT = 50  # the newest jobs of the config
HOUR_SECONDS = 3600
CENT = Decimal("0.01")


def rate_usd() -> Decimal:
    """Return the price of one slot for one hour."""
    rate: Decimal = settings.value("local_gpu.cost_per_hour_usd")
    return rate


def cost_usd(seconds: float, slots: int) -> Decimal:
    """Return what `slots` slots cost for that long, exact to the millisecond."""
    milliseconds = Decimal(round(seconds * 1000))
    return rate_usd() * slots * milliseconds / (1000 * HOUR_SECONDS)


def spent_usd(record: Mapping[str, Any], devices: Sequence[str]) -> str | None:
    """Return what an ended attempt cost as a decimal string; None when jobs here have no price."""
    if not rate_usd() or not record.get("started_at"):
        return None
    return str(cost_usd(record["ended_at"] - record["started_at"], max(1, len(devices))))


def estimate(submission: Submission) -> Estimate:
    """Return cost and duration as far as they are known; asked in every submission, so quick."""
    if not rate_usd():
        return Estimate(Decimal(0), "this machine, no hourly rate set")
    runs = durations(submission.config_name, submission.trainer)
    slots = Wish.of(submission.hardware, submission.gpu_count, submission.any_gpu).count
    price = f"${rate_usd():f} an hour for each of {slots}"
    if not runs:
        return Estimate(None, f"{price}; this config has not completed lately, its length unknown")
    seconds = fmean(runs)
    return Estimate(
        cost_usd(seconds, slots).quantize(CENT),
        f"{price}, mean of {len(runs)} completed runs",
        plus_minus_usd=cost_usd(pstdev(runs), slots).quantize(CENT),
        seconds=seconds,
    )


def durations(config_name: str, trainer: str) -> list[float]:
    """Return how many seconds a config took here, of its newest jobs those that completed.

    Reads a fixed number of rows by the index, however many jobs there are.
    """
    query = (
        select(Job.started_at, Job.completed_at, Job.state, Job.trainer, Job.provider)
        .where(Job.config_name == config_name)
        .order_by(Job.id.desc())
        .limit(LOOKED_AT)
    )
    return [
        (end - start).total_seconds()
        for start, end, *which in db.session.execute(query)
        if which == [JobState.COMPLETED, trainer, "local_gpu"] and start and end
    ]
