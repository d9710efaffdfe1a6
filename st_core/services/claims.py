"""Claiming: pick the next job that may start, and take it, in one transaction under the dispatch
gate.

The database is asked for the best few candidates; whoever cannot start now (a person at the limit,
hardware that is all in use) is left out of the next question, so nobody hides those behind.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from ..clock import now
from ..contracts import Hold
from ..db import db, retried, revocable, storable, unit_of_work
from ..models import Attempt, Job, JobState
from ..models.jobs import IS_QUEUED
from ..plugins import current_plugins
from . import admission, jobs, leases, limits, registries, settings
from .limits import Load
from .queue import ORDER

log = logging.getLogger(__name__)
WINDOW = 20
ROUNDS = 30
#: scope of a hold → what another job must have in common for the hold to hold for it as well.
IN_COMMON: Mapping[str, tuple[str, ...]] = {
    "provider": ("provider",),
    "hardware": ("provider", "hardware", "any_gpu"),
    "alike": ("provider", "hardware", "gpu_count", "any_gpu"),
    "trainer": ("trainer",),
    "job": ("id",),
}
ANY_GPU = func.coalesce(Job.details["any_gpu"].as_boolean(), false())


_ANY_QUEUED = select(Job.id).where(IS_QUEUED).limit(1)


@dataclass(frozen=True)
class Claimed:
    """An attempt that is ours to start."""

    job_id: int
    number: int
    provider: str


@dataclass(frozen=True)
class _Held:
    """A hold, and the jobs it holds for: those with the same `traits`."""

    reason: str
    traits: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, job: Job, hold: Hold) -> _Held:
        """Return for whom the hold of `job` holds. One who may skip the queue's limits is held only
        by what holds such a one."""
        names = IN_COMMON.get(hold.scope, ("id",))
        if not job.bypasses_queue:
            names = (*names, "bypasses_queue")
        return cls(storable(hold.reason, 500), tuple((name, _trait(job, name)) for name in names))

    def holds(self, job: Job) -> bool:
        """Tell whether `job` is one of them."""
        return all(_trait(job, name) == value for name, value in self.traits)

    def criterion(self) -> ColumnElement[bool]:
        """Return the SQL criterion of these jobs."""
        return and_(
            *(
                value == ANY_GPU
                if name == "any_gpu"
                else getattr(Job, name).is_not_distinct_from(value)
                for name, value in self.traits
            )
        )


def _trait(job: Job, name: str) -> Any:
    return bool(job.details.get(name)) if name == "any_gpu" else getattr(job, name)


@dataclass
class _LeftOut:
    """Who cannot start now, so that the next question does not name them again."""

    users: set[int] = field(default_factory=set)
    teams: set[int] = field(default_factory=set)
    providers: Collection[str] = ()
    held: list[_Held] = field(default_factory=list)

    def criteria(self) -> list[ColumnElement[bool]]:
        """Return the SQL that leaves them out; who may skip the queue's limits is not left out
        by those."""
        limited: list[ColumnElement[bool]] = []
        if self.users:
            limited.append(or_(Job.user_id.is_(None), Job.user_id.not_in(self.users)))
        if self.teams:
            limited.append(or_(Job.team_id.is_(None), Job.team_id.not_in(self.teams)))
        rules = [or_(and_(*limited), Job.bypasses_queue)] if limited else []
        if self.providers:
            rules.append(Job.provider.not_in(self.providers))
        return rules + [not_(each.criterion()) for each in self.held]

    def holds(self, job: Job) -> _Held | None:
        """Return the hold that is known to hold for `job` as well."""
        return next((each for each in self.held if each.holds(job)), None)


@retried
def claim(busy: Collection[str] = ()) -> Claimed | None:
    """Command: take the next job that may start; it is STARTING and has a new attempt that we hold.

    Providers in `busy` take on nothing now. Returns None when nothing may start.
    """
    settings.refresh()
    if settings.value("queue.paused") or db.session.scalar(_ANY_QUEUED) is None:
        return None  # seen without the write lock; looked at again under it
    with unit_of_work(gate="dispatch"):
        settings.refresh()
        return take_next(busy)


def take_next(busy: Collection[str] = ()) -> Claimed | None:
    """Step: take the job that may start next; None when none may, or the queue is paused.

    A rehearsal ("what would start if") calls it as well and takes everything back.
    """
    if settings.value("queue.paused"):
        return None
    return _take_first(limits.load(), busy)


def _take_first(present: Load, busy: Collection[str]) -> Claimed | None:
    """Step: take the first job in queue order that nothing holds back."""
    out = _LeftOut(
        users=_at_limit(present.by_user, "queue.user_max_concurrent"),
        teams=_at_limit(present.by_team, "queue.team_max_concurrent"),
        providers=busy,
    )
    full = present.total >= settings.value("queue.max_concurrent")
    for _ in range(ROUNDS):
        query = select(Job).where(IS_QUEUED, *out.criteria())
        if full:
            query = query.where(Job.bypasses_queue)
        window = list(db.session.scalars(query.order_by(*ORDER).limit(WINDOW)))
        if not window:
            return None
        for job in window:
            held = out.holds(job)
            if held is None:
                hold = _held(job, present) or _take(job)
                if isinstance(hold, Claimed):
                    return hold
                held = _Held.of(job, hold)
                out.held.append(held)
            job.hold_reason = held.reason
    return None


def _at_limit(counts: Mapping[int | None, int], key: str) -> set[int]:
    """Return the people or teams of whom as many run as `key` allows."""
    most = settings.value(key)
    return {one for one, count in counts.items() if one is not None and count >= most}


def _held(job: Job, present: Load) -> Hold | None:
    """Return why `job` must wait: its provider is not enabled, or a plugin says so, or fails to
    say."""
    if job.provider not in registries.providers():
        return Hold(f"The provider {job.provider} is not enabled.", scope="provider")
    if job.trainer not in registries.trainers():
        return Hold(f"The trainer {job.trainer} is not enabled.", scope="trainer")
    if not admission.is_approved(job):
        return Hold(admission.CHANGED)
    try:
        return current_plugins().hold_job(job, present)
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("hook st_hold_job failed on job %s; it waits", job.id)
        return Hold(f"It cannot be told whether it may start: {type(error).__name__}: {error}")


def _take(job: Job) -> Claimed | Hold:
    """Step: make the job ours, or return why a plugin would not have it; then nothing has changed
    and the others are not held up."""
    try:
        with revocable():
            return _start(job)
    except Exception as error:
        log.exception("job %s cannot be claimed; it waits", job.id)
        return Hold(getattr(error, "detail", f"{type(error).__name__}: {error}"))


def _start(job: Job) -> Claimed:
    """Step: give the job a new attempt with our lease, and move it to STARTING."""
    provider = registries.provider(job.provider)
    lease = max(settings.value("jobs.lease_seconds"), provider.timeout_seconds + 10)
    until = now() + timedelta(seconds=lease)
    job.attempt += 1
    attempt = Attempt(
        job_id=job.id,
        number=job.attempt,
        lease_owner=leases.process_name(),
        lease_expires_at=until,
        next_poll_at=until,
        resume_from=job.resume_from,
    )
    db.session.add(attempt)
    jobs.move(job, JobState.STARTING)
    attempt.devices = list(job.devices or [])
    db.session.flush()
    return Claimed(job.id, job.attempt, job.provider)
