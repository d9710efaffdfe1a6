"""The ledger: money goes from funds to held when a job is admitted, from held to spent when it
costs something, and back to funds when it ends. Every transfer adds up to zero.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import func, insert, select

from st_core.clock import now
from st_core.db import assert_unit_of_work, db, table_of
from st_core.models import Job

from .models import BudgetsHold, BudgetsPosting

FUNDS, HELD, SPENT = "funds", "held", "spent"
ZERO = Decimal(0)
#: Money is kept to the micro-dollar; finer amounts would not add up.
GRAIN = Decimal("0.000001")
_POSTINGS = insert(table_of(BudgetsPosting))
_HOLDS = insert(table_of(BudgetsHold))


def hold(job: Job, usd: Decimal | None) -> None:
    """Step: keep back `usd` for a job that is admitted; an unknown price keeps back nothing yet."""
    amount = _grain(usd or ZERO)
    db.session.execute(_HOLDS, {"job_id": job.id, "held_usd": amount, "at": now(), **_whose(job)})
    _post(job, {HELD: amount})


def adjust(job: Job, usd: Decimal) -> Decimal:
    """Step: let the job hold `usd` from now on; return by how much that is more."""
    kept = of(job.id)
    if kept is None:
        return ZERO
    more = _grain(max(usd, ZERO)) - kept.held_usd
    kept.held_usd += more
    _post(job, {HELD: more})
    db.session.flush()
    return more


def spend(job: Job, usd: Decimal) -> None:
    """Step: note that the job cost `usd` more; it is taken from what the job holds, as far as that
    goes."""
    kept = of(job.id)
    amount = _grain(usd)
    freed = min(kept.held_usd, max(amount, ZERO)) if kept else ZERO
    if kept is not None:
        kept.held_usd -= freed
    _post(job, {SPENT: amount, HELD: -freed})
    db.session.flush()


def release(job: Job) -> None:
    """Step: give back what the job still holds; once more changes nothing."""
    kept = of(job.id)
    if kept is None:
        return
    _post(job, {HELD: -kept.held_usd})
    db.session.delete(kept)
    db.session.flush()


def of(job_id: int) -> BudgetsHold | None:
    """Step: return the job's hold, locked until the unit of work ends."""
    assert_unit_of_work()
    return db.session.get(BudgetsHold, job_id, with_for_update=True, populate_existing=True)


def spent_by(job_id: int) -> Decimal:
    """Return what is posted as spent by a job."""
    query = select(func.sum(BudgetsPosting.amount_usd)).where(
        BudgetsPosting.job_id == job_id, BudgetsPosting.account == SPENT
    )
    return db.session.scalar(query) or ZERO


def balances() -> dict[str, Decimal]:
    """Return the balance of every account; they add up to zero."""
    query = select(BudgetsPosting.account, func.sum(BudgetsPosting.amount_usd))
    rows = db.session.execute(query.group_by(BudgetsPosting.account))
    found = {account: usd for account, usd in rows}
    return {name: found.get(name) or ZERO for name in (FUNDS, HELD, SPENT)}


def _grain(usd: Decimal) -> Decimal:
    return usd.quantize(GRAIN)


def _post(job: Job, amounts: Mapping[str, Decimal]) -> None:
    """Step: write one transfer; funds are the other side of everything."""
    assert_unit_of_work()
    lines = {account: amount for account, amount in amounts.items() if amount}
    if (rest := -sum(lines.values(), ZERO)) != 0:
        lines[FUNDS] = rest
    if not lines:
        return
    what = {"transfer": uuid.uuid4().hex, "job_id": job.id, "at": now(), **_whose(job)}
    rows = [{**what, "account": name, "amount_usd": amount} for name, amount in lines.items()]
    db.session.execute(_POSTINGS, rows)


def _whose(job: Job) -> dict[str, object]:
    names = ("provider", "hardware", "user_id", "team_id", "org_id")
    return {name: getattr(job, name) for name in names}
