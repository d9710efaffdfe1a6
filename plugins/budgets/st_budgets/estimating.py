"""What a job will probably cost: the hourly price times how long its config took before."""

from __future__ import annotations

from decimal import Decimal
from statistics import fmean, pstdev

from sqlalchemy import select

from st_core.contracts import Estimate, Submission
from st_core.db import db
from st_core.models import Job, JobState

from . import prices

LOOKED_AT = 50
HOUR_SECONDS = 3600
CENT = Decimal("0.01")


def cost_usd(rate: Decimal, slots: int, seconds: float) -> Decimal:
    """Return what `slots` slots cost for that long, exact to the millisecond."""
    milliseconds = Decimal(round(max(seconds, 0.0) * 1000))
    return rate * max(1, slots) * milliseconds / (1000 * HOUR_SECONDS)


def estimate(submission: Submission) -> Estimate | None:
    """Return the expected cost, or None when the hardware has no price."""
    rate = prices.rate_usd(submission.provider, submission.hardware)
    if rate is None:
        return None
    if rate == 0:
        return Estimate(Decimal(0), "this hardware costs nothing")
    slots = max(1, submission.gpu_count)
    basis = f"${rate:f} an hour for each of {slots}"
    runs = _durations(submission)
    if not runs:
        return Estimate(None, f"{basis}; this config has not completed lately")
    return Estimate(
        cost_usd(rate, slots, fmean(runs)).quantize(CENT),
        f"{basis}, mean of {len(runs)} completed runs",
        plus_minus_usd=cost_usd(rate, slots, pstdev(runs)).quantize(CENT),
        seconds=fmean(runs),
    )


def _durations(submission: Submission) -> list[float]:
    """Return how many seconds the config took there, of its newest jobs those that completed."""
    query = (
        select(Job.started_at, Job.completed_at, Job.state, Job.trainer, Job.provider)
        .where(Job.config_name == submission.config_name)
        .order_by(Job.id.desc())
        .limit(LOOKED_AT)
    )
    wanted = [JobState.COMPLETED, submission.trainer, submission.provider]
    return [
        (end - start).total_seconds()
        for start, end, *which in db.session.execute(query)
        if which == wanted and start and end
    ]
