"""Claiming: pick the next job that may start, and take it, in one transaction under the dispatch
gate.

The database is asked for the best few candidates; whoever cannot start now (a person at the limit,
hardware that is all in use) is left out of the next question, so nobody hides those behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select

from ..clock import now
from ..contracts import Hold
from ..db import db, unit_of_work
from ..models import Attempt, Job, JobState
from ..models.jobs import IS_QUEUED
from ..plugins import current_plugins
from . import jobs, limits, registries, settings, tasks
from .limits import Load
from .queue import ORDER

WINDOW = 20
ROUNDS = 30


@dataclass
class _LeftOut:
    """Who cannot start now, so that the next question does not name them again."""

    users: set[int] = field(default_factory=set)
    teams: set[int] = field(default_factory=set)
    providers: set[str] = field(default_factory=set)
    hardware: set[tuple[str, str | None]] = field(default_factory=set)
    jobs: set[int] = field(default_factory=set)

    def criteria(self) -> list[ColumnElement[bool]]:
        """Return the SQL that leaves them out; who may skip the queue's limits is not left out
        by those."""
        limited: list[ColumnElement[bool]] = []
        if self.users:
            limited.append(or_(Job.user_id.is_(None), Job.user_id.not_in(self.users)))
        if self.teams:
            limited.append(or_(Job.team_id.is_(None), Job.team_id.not_in(self.teams)))
        rules = [or_(Job.bypasses_queue, and_(*limited))] if limited else []
        if self.providers:
            rules.append(Job.provider.not_in(self.providers))
        rules += [
            or_(Job.provider != provider, Job.hardware.is_distinct_from(kind))
            for provider, kind in self.hardware
        ]
        if self.jobs:
            rules.append(Job.id.not_in(self.jobs))
        return rules

    def add(self, job: Job, hold: Hold) -> None:
        """Leave out what `hold` holds for."""
        if hold.scope == "provider":
            self.providers.add(job.provider)
        elif hold.scope == "hardware":
            self.hardware.add((job.provider, job.hardware))
        else:
            self.jobs.add(job.id)


def claim() -> tuple[Job, Attempt] | None:
    """Command: take the next job that may start; it is STARTING and has a new attempt that we hold.

    Returns None when nothing may start now.
    """
    if db.session.scalar(select(Job.id).where(IS_QUEUED).limit(1)) is None:
        return None
    settings.refresh()
    with unit_of_work(gate="dispatch"):
        if settings.value("queue.paused"):
            return None
        present = limits.load()
        job = _next(present)
        return None if job is None else (job, _take(job))


def _next(present: Load) -> Job | None:
    """Step: return the first job in queue order that nothing holds back."""
    out = _LeftOut(
        users={
            u
            for u, n in present.by_user.items()
            if u is not None and n >= settings.value("queue.user_max_concurrent")
        },
        teams={
            t
            for t, n in present.by_team.items()
            if t is not None and n >= settings.value("queue.team_max_concurrent")
        },
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
            if job.provider in out.providers or (job.provider, job.hardware) in out.hardware:
                continue
            hold = _held(job, present)
            if hold is None:
                return job
            job.hold_reason = hold.reason
            out.add(job, hold)
    return None


def _held(job: Job, present: Load) -> Hold | None:
    """Return why `job` must wait: its provider is not enabled, or a plugin says so."""
    if job.provider not in registries.providers():
        return Hold(f"The provider {job.provider} is not enabled.", scope="provider")
    if job.trainer not in registries.trainers():
        return Hold(f"The trainer {job.trainer} is not enabled.")
    return current_plugins().hold_job(job, present)


def _take(job: Job) -> Attempt:
    """Step: make the job ours: a new attempt with our lease, and the move to STARTING."""
    job.attempt += 1
    provider = registries.provider(job.provider)
    lease = max(settings.value("jobs.lease_seconds"), provider.timeout_seconds + 10)
    attempt = Attempt(
        job_id=job.id,
        number=job.attempt,
        lease_owner=tasks.process_name(),
        lease_expires_at=now() + timedelta(seconds=lease),
        next_poll_at=now() + timedelta(seconds=lease),
        resume_from=job.resume_from,
    )
    db.session.add(attempt)
    jobs.move(job, JobState.STARTING)
    attempt.devices = list(job.devices or [])
    db.session.flush()
    return attempt
