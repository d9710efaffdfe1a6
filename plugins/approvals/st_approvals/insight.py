"""What an approver has to know: how the job differs from the last one approved, what became of the
submitter's earlier jobs, and what waiting costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from st_core.clock import now
from st_core.db import db
from st_core.models import Job, JobState
from st_core.models.jobs import IS_QUEUED
from st_core.services import configs, queue

from .models import ApprovalsRequest

DAYS = 90
SHOWN = 8


@dataclass(frozen=True)
class Earlier:
    """The submitter's last approved job, who approved it, and every key that differs since."""

    job_id: int
    approved_by: str
    approved_at: datetime | None
    changes: Sequence[Mapping[str, Any]]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Past:
    """A job of the submitter's; `approval` says who approved it, or that nobody had to."""

    job_id: int
    name: str
    status: str
    estimated_usd: Decimal | None
    cost_usd: Decimal | None
    approval: str


@dataclass(frozen=True)
class Record:
    """The submitter's last 90 days. `overestimated_percent` is how much too high estimates were on
    average, None without a job that has both figures."""

    days: int
    jobs: Sequence[Past]
    total: int
    completed: int
    spent_usd: Decimal
    overestimated_percent: float | None


@dataclass(frozen=True)
class Waiting:
    """What waiting costs: since when it waits, how many jobs that came later wait in the queue or
    have started meanwhile, how long the queue would take just now, and when the request ends."""

    waited_seconds: float
    overtaken_by: int
    queued_ahead: int
    expected_wait_seconds: float | None
    expires_at: datetime


def last_approved(request: ApprovalsRequest, job: Job) -> Earlier | None:
    """Return how a job differs from the submitter's last approved one; None when there is none."""
    query = (
        select(ApprovalsRequest, Job)
        .join(Job, Job.id == ApprovalsRequest.job_id)
        .where(
            ApprovalsRequest.user_id == request.user_id,
            ApprovalsRequest.status == "approved",
            ApprovalsRequest.job_id != request.job_id,
            ApprovalsRequest.id < request.id,
        )
        .order_by(ApprovalsRequest.id.desc())
        .limit(1)
    )
    found = db.session.execute(query).first()
    if found is None:
        return None
    approved, old = found
    before, after = _described(old), _described(job)
    return Earlier(
        old.id,
        approved.reviewer or "",
        approved.reviewed_at,
        configs.compare(before, after),
        before,
        after,
    )


def record(request: ApprovalsRequest) -> Record:
    """Return what became of the submitter's jobs of the last 90 days, the newest first."""
    since = now() - timedelta(days=DAYS)
    mine = (Job.user_id == request.user_id, Job.created_at >= since, Job.id != request.job_id)
    newest = db.session.scalars(select(Job).where(*mine).order_by(Job.id.desc()).limit(SHOWN))
    done = Job.state == JobState.COMPLETED
    priced = Job.cost_usd.is_not(None) & Job.estimated_cost_usd.is_not(None)
    total, completed, spent, estimated, actual = db.session.execute(
        select(
            func.count(Job.id),
            func.count(Job.id).filter(done),
            func.sum(Job.cost_usd),
            func.sum(Job.estimated_cost_usd).filter(priced & done),
            func.sum(Job.cost_usd).filter(priced & done),
        ).where(*mine)
    ).one()
    jobs = list(newest)
    approvals = _approvals([job.id for job in jobs])
    return Record(
        days=DAYS,
        jobs=[_past(job, approvals.get(job.id)) for job in jobs],
        total=total,
        completed=completed,
        spent_usd=spent or Decimal(0),
        overestimated_percent=_percent(estimated, actual),
    )


def waiting(request: ApprovalsRequest, job: Job) -> Waiting:
    """Return what waiting has cost so far and what it costs from here on."""
    later = select(func.count(Job.id)).where(
        Job.id > job.id, Job.queued_at.is_not(None), Job.provider == job.provider
    )
    ahead = select(func.count(Job.id)).where(
        IS_QUEUED, Job.effective_priority >= job.effective_priority
    )
    queued = db.session.scalar(ahead) or 0
    average = queue.average_wait_seconds()
    return Waiting(
        waited_seconds=(now() - request.created_at).total_seconds(),
        overtaken_by=db.session.scalar(later) or 0,
        queued_ahead=queued,
        expected_wait_seconds=None if average is None else average * (queued + 1),
        expires_at=request.expires_at,
    )


def _described(job: Job) -> dict[str, Any]:
    """Return what an approver compares: the config, and where and how long it runs."""
    beside = ("provider", "hardware", "gpu_count", "time_limit_seconds")
    return {**job.config, **{f"({name})": getattr(job, name) for name in beside}}


def _approvals(job_ids: Sequence[int]) -> dict[int, ApprovalsRequest]:
    """Return the newest request of each of these jobs."""
    query = select(ApprovalsRequest).where(ApprovalsRequest.job_id.in_(job_ids))
    return {row.job_id: row for row in db.session.scalars(query.order_by(ApprovalsRequest.id))}


def _past(job: Job, request: ApprovalsRequest | None) -> Past:
    said = "not needed" if request is None else request.status
    if request is not None and request.reviewer:
        said = f"{request.status} by {request.reviewer}"
    return Past(job.id, job.name, job.state.value, job.estimated_cost_usd, job.cost_usd, said)


def _percent(estimated: Decimal | None, actual: Decimal | None) -> float | None:
    if not estimated or not actual:
        return None
    return float((Decimal(estimated) / Decimal(actual) - 1) * 100)
