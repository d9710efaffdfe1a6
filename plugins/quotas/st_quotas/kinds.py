"""The types of quota: what each counts, in which unit, over which window.

A *window* is rolling and ends now. A type without one counts what is in use at the moment: jobs
that were admitted and have not ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum


class Measure(StrEnum):
    """What of a job counts: itself, its GPUs on this machine, its cost, its GPU-time."""

    JOBS = "jobs"
    LOCAL_GPUS = "local_gpus"
    COST = "cost"
    GPU_HOURS = "gpu_hours"


@dataclass(frozen=True)
class Kind:
    """One type of quota. `unit` is what follows a figure, `window` None means at this moment."""

    name: str
    title: str
    unit: str
    measure: Measure
    window: timedelta | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether its ceilings are whole numbers."""
        return self.measure in (Measure.JOBS, Measure.LOCAL_GPUS)

    def figure(self, value: Decimal) -> str:
        """Return a figure as people read it, without its unit."""
        if self.measure is Measure.COST:
            return f"${value:,.2f}"
        return f"{plain(value.quantize(Decimal('0.01')))}"


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
GPU_HOURS = "GPU-hours"

KINDS = {
    kind.name: kind
    for kind in (
        Kind("concurrent_jobs", "Jobs at the same time", "jobs at the same time", Measure.JOBS),
        Kind("jobs_per_hour", "Jobs per hour", "jobs within an hour", Measure.JOBS, HOUR),
        Kind("jobs_per_day", "Jobs per day", "jobs within 24 hours", Measure.JOBS, DAY),
        Kind("cost_daily", "Cost per day", "within 24 hours", Measure.COST, DAY),
        Kind("cost_monthly", "Cost per month", "within 30 days", Measure.COST, MONTH),
        Kind("local_gpus", "GPUs of this machine", "GPUs of this machine", Measure.LOCAL_GPUS),
        Kind("gpu_hours_daily", "GPU-hours, 24 hours", GPU_HOURS, Measure.GPU_HOURS, DAY),
        Kind("gpu_hours_weekly", "GPU-hours, 7 days", GPU_HOURS, Measure.GPU_HOURS, WEEK),
        Kind("gpu_hours_monthly", "GPU-hours, 30 days", GPU_HOURS, Measure.GPU_HOURS, MONTH),
    )
}
ACTIONS = {
    "block": "refuse the job",
    "warn": "admit, and say so",
    "notify": "admit, tell the admins",
    "require_approval": "ask a person",
}
MODES = ("enforce", "shadow")


def plain(value: Decimal) -> str:
    """Return a number as text without trailing zeros, the same for equal numbers."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
