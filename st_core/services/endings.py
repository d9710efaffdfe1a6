"""How an attempt ends, and what becomes of its job: completed, failed, cancelled, or one more
attempt.

A crash of the trainer or the machine is worth another attempt from the last good checkpoint; a
wrong config is not, and neither is what somebody asked to end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from ..clock import now
from ..db import db, retried, storable, unit_of_work
from ..errors import KeyRefused
from ..failpoints import failpoint
from ..models import Attempt, Job, JobLog, JobState
from ..progress.readings import Phase, Progress
from . import jobs, shares, starting_points, tasks, workspaces

KEPT_LOG_BYTES = 64 * 1024
MESSAGE_CHARACTERS = 4000
LOST_START = "lost_start"


@retried
def finish(job_id: int, number: int, fence: int, progress: Progress) -> None:
    """Command: the provider says the attempt has ended; end or requeue the job accordingly.

    An older fence changes nothing: somebody else has taken the attempt over.
    """
    tail, resume_from = _look_at_files(job_id, progress)
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(job_id)
        attempt = _ours(job, number, fence)
        if attempt is None:
            return
        if job.state is JobState.STARTING:  # it ended before its start could be recorded
            jobs.move(job, JobState.RUNNING, message=f"attempt {number}")
        _close(attempt, progress)
        db.session.merge(JobLog(attempt_id=attempt.id, text=tail[0], truncated_bytes=tail[1]))
        if progress.cost_usd is not None:
            job.cost_usd = (job.cost_usd or Decimal(0)) + Decimal(progress.cost_usd)
        _settle(job, attempt, progress, resume_from)
        failpoint("endings.before_commit")
    tasks.wake("dispatch", "progress")


@retried
def not_started(job_id: int, number: int, fence: int, reason: str, code: str = "") -> None:
    """Command: the provider says that nothing was started; try again, or fail after the last
    attempt. A refused key stays with the attempt as its outcome."""
    failed = Progress(Phase.FAILED, message=reason, resumable=True)
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(job_id)
        attempt = _ours(job, number, fence)
        if attempt is None:
            return
        _close(attempt, failed)
        if code == KeyRefused.code:
            attempt.outcome = code
        if job.cancel_requested_at is not None:
            jobs.move(job, JobState.CANCELLED, message="cancelled while it was starting")
        elif job.attempt < job.max_attempts:
            jobs.move(
                job, JobState.QUEUED, event="job.requeued", message=f"did not start: {reason}"
            )
        else:
            jobs.move(job, JobState.FAILED, message=f"It could not be started: {reason}")
    tasks.wake("dispatch")


@retried
def lost_start(job_id: int, number: int, fence: int) -> None:
    """Command: nobody knows of the attempt we claimed; queue the job once more, and fail it as lost
    when that happens twice running."""
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(job_id)
        attempt = _ours(job, number, fence)
        if attempt is None or job.state is not JobState.STARTING:
            return
        again = _was_lost_before(job, attempt)
        _close(
            attempt, Progress(Phase.LOST, message="the server ended before the trainer was started")
        )
        attempt.outcome = LOST_START
        if job.cancel_requested_at is not None:
            jobs.move(job, JobState.CANCELLED, message="cancelled while it was starting")
        elif not again:
            jobs.move(
                job,
                JobState.QUEUED,
                event="job.requeued",
                message="the start was lost; queued again",
            )
        else:
            jobs.move(
                job,
                JobState.FAILED,
                message="The start was lost twice; look at the provider, then retry.",
            )
    tasks.wake("dispatch")


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _look_at_files(job_id: int, progress: Progress) -> tuple[tuple[str, int], str | None]:
    """Return the end of the job's log, and where another attempt would go on: files are read before
    the unit of work opens."""
    tail = workspaces.log_tail(job_id, KEPT_LOG_BYTES)
    job = db.session.get(Job, job_id) if progress.resumable else None
    return tail, starting_points.last_good(job) if job else None


def _was_lost_before(job: Job, attempt: Attempt) -> bool:
    """Tell whether the start before this one, since the job was put into the queue, was lost."""
    query = select(Attempt.id).where(
        Attempt.job_id == job.id,
        Attempt.number == attempt.number - 1,
        Attempt.outcome == LOST_START,
        Attempt.created_at >= job.queued_at,
    )
    return db.session.scalar(query) is not None


def _ours(job: Job, number: int, fence: int) -> Attempt | None:
    """Step: return the running attempt if it still is the one we know and nobody took it over."""
    attempt = jobs.current_attempt(job)
    if attempt is None or attempt.number != number or attempt.fence != fence or attempt.ended_at:
        return None
    return attempt


def _close(attempt: Attempt, progress: Progress) -> None:
    """Step: write how the attempt ended."""
    ended = datetime.fromtimestamp(progress.ended_at, UTC) if progress.ended_at else now()
    attempt.ended_at = ended
    attempt.outcome = progress.phase.value
    attempt.message = storable(progress.message, MESSAGE_CHARACTERS) or None
    attempt.exit_code, attempt.signal = progress.exit_code, progress.signal
    attempt.progress = plain(progress, attempt.progress)
    attempt.progress_at = now()
    attempt.lease_owner = attempt.lease_expires_at = attempt.next_poll_at = None
    shares.charge(attempt.job, attempt)


def _settle(job: Job, attempt: Attempt, progress: Progress, resume_from: str | None) -> None:
    """Step: move the job to where this end leads."""
    data = {"attempt": attempt.number, "exit_code": progress.exit_code}
    if progress.phase is Phase.COMPLETED:
        jobs.move(job, JobState.COMPLETED, message=progress.message or "completed", data=data)
    elif progress.phase is Phase.CANCELLED or job.cancel_requested_at is not None:
        jobs.move(job, JobState.CANCELLED, message=progress.message or "cancelled", data=data)
    elif progress.resumable and job.attempt < job.max_attempts:
        job.resume_from = resume_from
        where = f"from {job.resume_from}" if job.resume_from else "from the beginning"
        jobs.move(
            job,
            JobState.QUEUED,
            event="job.requeued",
            message=f"{progress.message} Goes on {where}.",
            data={**data, "resume_from": job.resume_from},
        )
    else:
        jobs.move(job, JobState.FAILED, message=progress.message or "failed", data=data)


def plain(progress: Progress, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return progress as values that JSON knows; figures it no longer tells stay as they were.

    A number that is not finite (a loss that exploded) is no figure: neither JSON nor PostgreSQL
    takes it.
    """
    told = {key: _finite(value) for key, value in asdict(progress).items()}
    told = {key: value for key, value in told.items() if value not in (None, {}, "")}
    kept = {
        key: value
        for key, value in (earlier or {}).items()
        if key in ("step", "total", "epoch", "metrics", "started_at")
    }
    return {**kept, **told, "phase": progress.phase.value}


def _finite(value: Any) -> Any:
    """Return `value` without zero bytes and numbers that are not finite, at any depth."""
    if isinstance(value, Mapping):
        kept = {str(key): _finite(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, str):
        return storable(value, MESSAGE_CHARACTERS)
    return None if isinstance(value, float) and not math.isfinite(value) else value
