"""The reconciler: proves that the ledger is as the jobs say, and repairs what is not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from st_core.db import db, unit_of_work
from st_core.models import Job, JobState
from st_core.services import events

from . import ledger
from .models import BudgetsHold, BudgetsPosting


@dataclass(frozen=True)
class Found:
    """What was not as it should be: a job by its number, and what was wrong in one sentence."""

    job_id: int
    text: str


def reconcile(*, repair: bool = True) -> list[Found]:
    """Command: compare holds, postings and jobs; return what differed. With `repair` it is put
    right by postings that add up to zero, and told."""
    with unit_of_work(gate="submit"):
        found = _stale(repair) + _missing(repair) + _unposted(repair)
        if found and repair:
            events.emit(
                "cost.reconciled",
                subject=("ledger", "money"),
                message=f"{len(found)} differences between the ledger and the jobs were repaired",
                data={"jobs": [one.job_id for one in found[:100]]},
            )
    return found


def unbalanced() -> list[str]:
    """Return the transfers whose lines do not add up to zero; there are none."""
    query = select(BudgetsPosting.transfer).group_by(BudgetsPosting.transfer)
    return list(db.session.scalars(query.having(func.sum(BudgetsPosting.amount_usd) != 0)))


def _stale(repair: bool) -> list[Found]:
    """Step: holds of jobs that have ended or are gone."""
    query = (
        select(BudgetsHold, Job)
        .outerjoin(Job, Job.id == BudgetsHold.job_id)
        .where((Job.id.is_(None)) | Job.state.in_([state for state in JobState if state.is_final]))
    )
    found = []
    for hold, job in db.session.execute(query).all():
        found.append(Found(hold.job_id, f"still held ${hold.held_usd}"))
        if repair:
            ledger.release(job if job is not None else _ghost(hold))
    return found


def _missing(repair: bool) -> list[Found]:
    """Step: jobs that were admitted while nothing was held for them."""
    waiting = [state for state in JobState if not state.is_final and state is not JobState.NEW]
    query = (
        select(Job)
        .outerjoin(BudgetsHold, BudgetsHold.job_id == Job.id)
        .where(Job.state.in_(waiting), BudgetsHold.job_id.is_(None))
    )
    jobs = list(db.session.scalars(query))
    for job in jobs if repair else ():
        ledger.hold(job, job.estimated_cost_usd)
    return [Found(job.id, "held nothing") for job in jobs]


def _unposted(repair: bool) -> list[Found]:
    """Step: jobs whose recorded cost is not what was posted."""
    spent = (
        select(BudgetsPosting.job_id, func.sum(BudgetsPosting.amount_usd).label("usd"))
        .where(BudgetsPosting.account == ledger.SPENT)
        .group_by(BudgetsPosting.job_id)
        .subquery()
    )
    query = select(Job, spent.c.usd).outerjoin(spent, spent.c.job_id == Job.id)
    rows = db.session.execute(query.where(Job.cost_usd.is_not(None))).all()
    found = []
    for job, usd in rows:
        missing = (job.cost_usd or Decimal(0)) - (usd or Decimal(0))
        if missing:
            found.append(Found(job.id, f"${missing} of its cost was not posted"))
            if repair:
                ledger.spend(job, missing)
    return found


def _ghost(hold: BudgetsHold) -> Job:
    """Return a job that stands for one that is gone; it is never stored."""
    names = ("provider", "hardware", "user_id", "team_id", "org_id")
    return Job(id=hold.job_id, **{name: getattr(hold, name) for name in names})
