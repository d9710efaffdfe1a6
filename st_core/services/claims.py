"""Claiming: pick the next job that may start, and take it, in one transaction under the dispatch
gate.

The database is asked for the best few candidates; whoever cannot start now (a person at the limit,
hardware that is all in use) is left out of the next question, so nobody hides those behind. Whoever
starts before somebody who stood further ahead has the reason on record (`job.went_ahead`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ..clock import now
from ..contracts import Hold
from ..db import db, retried, revocable, unit_of_work
from ..models import Attempt, Job, JobState
from ..models.jobs import IS_QUEUED
from ..plugins import current_plugins
from . import admission, events, jobs, leases, limits, registries, settings, turns
from .heads import Line
from .left_out import Held, LeftOut
from .limits import Load

log = logging.getLogger(__name__)
_ANY_QUEUED = select(Job.id).where(IS_QUEUED).limit(1)


@dataclass(frozen=True)
class Claimed:
    """An attempt that is ours to start."""

    job_id: int
    number: int
    provider: str


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
    out = LeftOut(
        users=_at_limit(present.by_user, "queue.user_max_concurrent"),
        teams=_at_limit(present.by_team, "queue.team_max_concurrent"),
        everyone=present.total >= settings.value("queue.max_concurrent"),
        providers=busy,
    )
    line, look = Line(), turns.Look()
    for job in look.jobs(out):
        held = out.holds(job)
        if held is None:
            hold = _held(job, present) or line.holds(job, present) or _take(job)
            if isinstance(hold, Claimed):
                _note_passed(job, look.front, out, present)
                return hold
            line.wait(job, hold)
            held = Held.of(job, hold)
            out.held.append(held)
        job.hold_reason = held.reason
    return None


def _note_passed(job: Job, front: int | None, out: LeftOut, present: Load) -> None:
    """Step: record why a job starts though another stood before it; nothing when none did."""
    if front is None or front == job.id:
        return
    other = db.session.get_one(Job, front)
    hold = limits.reached_by(other, present)
    reason = hold.reason if hold else other.hold_reason or f"{other.provider} is busy starting."
    events.emit(
        "job.went_ahead",
        job=job,
        message=f"It starts before job {front}, which waits: {reason}",
        data={"before": front, "reason": reason, **out.reasons()},
    )


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
