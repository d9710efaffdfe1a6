"""Reservations: a use is opened in the transaction that admits a job, and closed in the one that
ends it. A retry opens another; an edit of a waiting job takes the open one back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, func, insert, select

from st_core.clock import now
from st_core.contracts import Action, Finding, Submission, Verdict
from st_core.db import assert_unit_of_work, db, table_of
from st_core.models import Job, JobState
from st_core.services import decisions, events

from . import ceilings
from .models import QuotasUse
from .policy import POLICY, is_local

_INSERT = insert(table_of(QuotasUse))


def reserve(job: Job, submission: Submission) -> list[Verdict]:
    """Step: take what the job needs; return what the ceilings say of it."""
    assert_unit_of_work()
    found = decisions.ask(POLICY, submission)
    skipped = [finding for finding in found if finding.effect == "allow"]
    if skipped:
        _tell_skipped(job, skipped)
    open_use(
        job,
        submission.estimate.usd,
        ceilings.gpu_seconds(
            {
                "gpu_count": submission.gpu_count,
                "estimate_seconds": submission.estimate.seconds,
                "time_limit_seconds": submission.time_limit_seconds,
            }
        ),
    )
    return [_verdict(finding) for finding in found if finding.effect != "allow"]


def open_use(job: Job, usd: Decimal | None, gpu_seconds: float, at: datetime | None = None) -> None:
    """Step: write down what an admitted job holds from now on."""
    local = bool(job.gpu_count) and is_local(job.provider)
    db.session.execute(
        _INSERT,
        {
            "job_id": job.id,
            "user_id": job.user_id,
            "team_id": job.team_id,
            "org_id": job.org_id,
            "gpus": job.gpu_count,
            "local_gpus": job.gpu_count if local else 0,
            "held_cost_usd": usd or Decimal(0),
            "held_gpu_seconds": float(gpu_seconds),
            "cost_usd": Decimal(0),
            "gpu_seconds": 0.0,
            "admitted_at": at or now(),
        },
    )


def follow(job: Job, old: JobState, new: JobState) -> None:
    """Step: keep the open use of a job true to the job's moves."""
    if new is JobState.NEW:
        db.session.execute(
            delete(QuotasUse).where(QuotasUse.job_id == job.id, QuotasUse.ended_at.is_(None))
        )
        return
    begins, stops = new is JobState.STARTING, old.is_active and not new.is_active
    if not new.is_final and not (job.gpu_count and (begins or stops)):
        return
    use = open_of(job.id)
    if use is None:  # admitted while this plugin was switched off; reconciling sees to it
        return
    if begins:
        use.running_since = now().timestamp()
    if stops and use.running_since is not None:
        use.gpu_seconds += use.gpus * max(now().timestamp() - use.running_since, 0.0)
        use.running_since = None
    if new.is_final:
        use.cost_usd, use.ended_at = cost_of(job, use), now()
    db.session.flush()


def open_of(job_id: int) -> QuotasUse | None:
    """Return the open use of a job, None when it has ended or was never counted."""
    return db.session.scalar(
        select(QuotasUse).where(QuotasUse.job_id == job_id, QuotasUse.ended_at.is_(None))
    )


def cost_of(job: Job, use: QuotasUse) -> Decimal:
    """Return what an ended use came to: what is recorded for the job beyond its earlier uses, else
    its estimate if it ever started."""
    if job.cost_usd is None:
        return use.held_cost_usd if job.attempt else Decimal(0)
    earlier = select(func.sum(QuotasUse.cost_usd)).where(
        QuotasUse.job_id == job.id, QuotasUse.id < use.id
    )
    return max(job.cost_usd - Decimal(db.session.scalar(earlier) or 0), Decimal(0))


def _verdict(finding: Finding) -> Verdict:
    told = finding.details
    used = Decimal(told["used"]) + (0 if told["reached"] else Decimal(told["takes"]))
    return Verdict(
        limit=finding.rule,
        action=Action(finding.effect),
        used=float(used),
        ceiling=float(told["ceiling"]),
        unit=told["type"],
        text=finding.text,
    )


def _tell_skipped(job: Job, skipped: list[Finding]) -> None:
    events.emit(
        "job.bypass_used",
        job=job,
        message=ceilings.BYPASS,
        data={"right": ceilings.BYPASS, "limits": [finding.rule for finding in skipped]},
    )
