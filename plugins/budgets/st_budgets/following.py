"""Money follows a job: held when it is admitted, raised while it runs longer than expected, spent
when an attempt ends, given back when the job does.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from st_core.clock import now
from st_core.contracts import Action, Capability, Finding, Submission, Verdict
from st_core.db import assert_unit_of_work, db, unit_of_work
from st_core.models import Attempt, Job, JobState
from st_core.models.jobs import IS_ACTIVE
from st_core.services import decisions, jobs, registries

from . import crossings, estimating, ledger, prices
from .models import BudgetsHold
from .policy import POLICY


def reserve(job: Job, submission: Submission) -> list[Verdict]:
    """Step: hold the estimate; return what the limits say of it."""
    assert_unit_of_work()
    found = decisions.ask(POLICY, submission)
    ledger.hold(job, submission.estimate.usd)
    if not any(finding.effect == "block" for finding in found):
        crossings.note({one.rule: one.details["stage"] for one in found})
    return [_verdict(finding) for finding in found]


def follow(job: Job, old: JobState, new: JobState) -> None:
    """Step: post what an attempt cost when it has ended, and give back the rest with the job."""
    if old.is_active and not new.is_active:
        _price(job)
        cost = (job.cost_usd or ledger.ZERO) - ledger.spent_by(job.id)
        if cost:
            ledger.spend(job, cost)
    if new.is_final or new is JobState.NEW:
        ledger.release(job)


def _price(job: Job) -> None:
    """Step: let the job have cost its attempt's time where the provider itself tells no cost."""
    place = registries.providers().get(job.provider)
    if place is None or Capability.COSTS in place.capabilities:
        return
    attempt = jobs.current_attempt(job)
    usd = _so_far(job, attempt) if attempt else None
    if usd is not None:
        job.cost_usd = ((job.cost_usd or ledger.ZERO) + usd).quantize(ledger.GRAIN)


def _so_far(job: Job, attempt: Attempt) -> Decimal | None:
    """Return what the attempt costs by the hour, None while it has no price or has not started."""
    rate = prices.rate_usd(job.provider, job.hardware, attempt.started_at)
    if rate is None or attempt.started_at is None:
        return None
    seconds = ((attempt.ended_at or now()) - attempt.started_at).total_seconds()
    return estimating.cost_usd(rate, max(job.gpu_count, len(job.devices or ())), seconds)


def keep_up() -> None:
    """Service: hold more for jobs that already cost more than they hold, and tell which limits
    were crossed."""
    query = select(Job.id).join(BudgetsHold, BudgetsHold.job_id == Job.id).where(IS_ACTIVE)
    for job_id in list(db.session.scalars(query)):
        with unit_of_work(gate="submit"):
            _raise(job_id)
    with unit_of_work(gate="submit"):
        crossings.look()


def _raise(job_id: int) -> None:
    """Step: hold at least what the running attempt has cost so far."""
    job = db.session.get(Job, job_id, with_for_update=True, populate_existing=True)
    attempt = jobs.current_attempt(job) if job and job.state.is_active else None
    usd = _so_far(job, attempt) if job and attempt else None
    kept = ledger.of(job_id)
    if job and kept is not None and usd is not None and usd > kept.held_usd:
        ledger.adjust(job, usd)


def _verdict(finding: Finding) -> Verdict:
    return Verdict(
        limit=finding.rule,
        action=Action(finding.effect),
        used=float(finding.details["used"]),
        ceiling=float(finding.details["amount"]),
        unit="USD",
        text=finding.text,
        code="cost_limit_exceeded",
        told=True,
    )
