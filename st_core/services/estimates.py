"""What a run will probably take and cost, told from runs that completed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from ..clock import now
from ..contracts import Hardware, Viewer
from ..db import db
from ..models import Job, JobState
from ..models.jobs import in_states
from . import registries
from .jobs import visible_to

DAYS = 90
SAMPLE = 200


@dataclass(frozen=True)
class Typical:
    """The mean of completed runs; figures are None where nothing is known, `message` says why."""

    has_estimate: bool
    estimated_cost_usd: Decimal | None
    avg_duration_seconds: float | None
    hardware_cost_per_hour: Decimal | None
    data_size_mb: float = 0.0
    message: str | None = None


def typical(viewer: Viewer, provider: str | None, hardware: str | None) -> Typical:
    """Return the mean duration of completed jobs the viewer may see, and its price on `hardware`.

    Counts the newest 200 of the last 90 days. Raises NotFound for an unknown provider.
    """
    kind = _kind(provider, hardware)
    price = kind.cost_per_hour_usd if kind else None
    query = select(Job.started_at, Job.completed_at).where(
        in_states((JobState.COMPLETED,)),
        Job.completed_at > now() - timedelta(days=DAYS),
        Job.started_at.is_not(None),
        visible_to(viewer),
    )
    if provider:
        query = query.where(Job.provider == provider)
    if hardware:
        query = query.where(Job.hardware == hardware)
    rows = db.session.execute(query.order_by(Job.id.desc()).limit(SAMPLE))
    lasted = [(end - start).total_seconds() for start, end in rows if start and end]
    if not lasted:
        return Typical(False, None, None, price, message=f"No job completed in {DAYS} days.")
    mean = sum(lasted) / len(lasted)
    if price is None:
        return Typical(False, None, mean, None, message="This hardware has no known price.")
    cost = (price * Decimal(mean) / 3600).quantize(Decimal("0.01"))
    return Typical(True, cost, mean, price, message=f"The mean of {len(lasted)} completed jobs.")


def _kind(provider: str | None, hardware: str | None) -> Hardware | None:
    """Return the kind of machine meant: the named one, else the provider's first."""
    places = [registries.provider(provider)] if provider else list(registries.providers().values())
    offered = [kind for place in places for kind in place.hardware()]
    return next((kind for kind in offered if hardware in (None, kind.id)), None)
