"""Reconciling: every job that was admitted and has not ended has exactly one open use that says
what the job says, and nothing else has one. Proven, and repaired where it is not so.

It becomes untrue when the plugin was switched off for a while, or somebody wrote into the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, exists, select

from st_core.clock import now
from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import Job
from st_core.models.jobs import in_states
from st_core.services import events

from .kinds import MONTH
from .models import QuotasUse
from .reservations import cost_of, open_use

BATCH = 500
NOT_ENDED = tuple(state for state in JobState if not state.is_final and state is not JobState.NEW)


@dataclass
class Report:
    """What was not so: open uses that jobs lacked, ones nobody has, ones that said otherwise, and
    recent jobs that ended uncounted."""

    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    different: list[int] = field(default_factory=list)
    uncounted: list[int] = field(default_factory=list)
    open: int = 0

    @property
    def wrong(self) -> int:
        """Return how many jobs were not counted right."""
        return sum(map(len, (self.missing, self.stale, self.different, self.uncounted)))

    def sentence(self) -> str:
        """Return the report as people read it."""
        if not self.wrong:
            return f"{self.open} reservations, each of a job that has not ended. Nothing to repair."
        return (
            f"{len(self.missing)} jobs had no reservation, {len(self.stale)} reservations had no "
            f"job, {len(self.different)} said otherwise than their job, {len(self.uncounted)} "
            "ended jobs were not counted."
        )


def reconcile(*, repair: bool = True) -> Report:
    """Command: compare every reservation with the jobs, and make it right; tell of what was not.

    Without `repair` it only looks.
    """
    report = Report()
    with unit_of_work(gate="submit"):
        _look(report, repair)
        if report.wrong and repair:
            events.emit(
                "quota.reconciled",
                subject=("quota", "reservations"),
                message=report.sentence(),
                data={
                    name: getattr(report, name)[:100]
                    for name in ("missing", "stale", "different", "uncounted")
                },
            )
    return report


def _look(report: Report, repair: bool) -> None:
    """Step: the three comparisons."""
    for use, job in _open_uses():
        report.open += 1
        if job is None or job.state.is_final or job.state is JobState.NEW:
            report.stale.append(use.job_id)
            if repair:
                _close(use, job)
        elif _differs(use, job):
            report.different.append(job.id)
            if repair:
                _correct(use, job)
    db.session.flush()
    for job in _without_use(in_states(NOT_ENDED), open_only=True):
        report.missing.append(job.id)
        if repair:
            _open(job)
    since = now() - MONTH - timedelta(days=1)
    for job in _without_use(Job.completed_at > since, open_only=False):
        report.uncounted.append(job.id)
        if repair:
            _open(job)
            db.session.flush()
            _close(_newest(job.id), job)
    db.session.flush()


def _open_uses() -> Iterator[tuple[QuotasUse, Job | None]]:
    """Yield every open use with its job, in batches."""
    last = 0
    while True:
        query = (
            select(QuotasUse, Job)
            .outerjoin(Job, Job.id == QuotasUse.job_id)
            .where(QuotasUse.ended_at.is_(None), QuotasUse.id > last)
            .order_by(QuotasUse.id)
            .limit(BATCH)
        )
        found: Sequence[tuple[QuotasUse, Job | None]] = [
            (use, job) for use, job in db.session.execute(query)
        ]
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1][0].id


def _without_use(which: ColumnElement[bool], *, open_only: bool) -> list[Job]:
    """Return the jobs of a criterion that have no use, or no open one."""
    has = exists().where(QuotasUse.job_id == Job.id)
    if open_only:
        has = has.where(QuotasUse.ended_at.is_(None))
    return list(db.session.scalars(select(Job).where(which, ~has).order_by(Job.id)))


def _differs(use: QuotasUse, job: Job) -> bool:
    held = job.estimated_cost_usd or Decimal(0)
    return (
        (use.team_id, use.org_id, use.gpus) != (job.team_id, job.org_id, job.gpu_count)
        or use.held_cost_usd != held
        or (job.user_id is not None and use.user_id != job.user_id)
        or (use.running_since is not None) != bool(job.state.is_active and job.gpu_count)
    )


def _correct(use: QuotasUse, job: Job) -> None:
    """Step: let an open use say what its job says."""
    use.user_id = use.user_id if job.user_id is None else job.user_id
    use.team_id, use.org_id = job.team_id, job.org_id
    use.local_gpus = job.gpu_count if use.local_gpus else 0
    use.gpus = job.gpu_count
    use.held_cost_usd = job.estimated_cost_usd or Decimal(0)
    if job.state.is_active and job.gpu_count:
        use.running_since = use.running_since or _seconds(job.started_at or now())
    else:
        use.running_since = None


def _open(job: Job) -> None:
    """Step: open a use for a job that has none."""
    seconds = float(job.gpu_count * (job.time_limit_seconds or 0))
    open_use(job, job.estimated_cost_usd, seconds, at=job.created_at)
    if job.state.is_active and job.gpu_count:
        _newest(job.id).running_since = _seconds(job.started_at or now())


def _close(use: QuotasUse, job: Job | None) -> None:
    """Step: close a use whose job has ended or is gone."""
    use.ended_at = (job.completed_at if job else None) or now()
    if job is not None:
        use.cost_usd = cost_of(job, use)
        began = use.running_since or (job.started_at and _seconds(job.started_at))
        if began and not use.gpu_seconds:
            use.gpu_seconds = use.gpus * max(_seconds(use.ended_at) - began, 0.0)
    use.running_since = None


def _newest(job_id: int) -> QuotasUse:
    query = select(QuotasUse).where(QuotasUse.job_id == job_id).order_by(QuotasUse.id.desc())
    return db.session.scalars(query.limit(1)).one()


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
