"""When waiting jobs will probably start: the queue played forward over what runs now.

A *place* is room for one more job. A place frees up when the job in it is expected to end; how long
a waiting job will take is the median of the last completed runs of its config. Where a length is
unknown, everything that depends on it is unknown too. Limits per person and devices are not played:
the answer is an interval and no promise.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select

from ..clock import now
from ..db import db
from ..models import Attempt, Job, JobState
from ..models.jobs import IS_ACTIVE, in_states
from . import jobs, registries, settings

SOONER, LATER = 0.85, 1.25
RUNS_LOOKED_AT = 200
LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class Start:
    """The interval in which a job will start, nine times out of ten."""

    earliest: datetime
    latest: datetime


def starts(waiting: Sequence[Job]) -> dict[int, Start]:
    """Return the expected starts of queued jobs given in queue order; unknown ones are left out."""
    if not waiting or settings.value("queue.paused"):
        return {}
    waiting = [job for job in waiting if job.provider in registries.providers()]
    lengths = _median_seconds()
    busy = db.session.execute(
        select(Job, Attempt)
        .join(Attempt, (Attempt.job_id == Job.id) & (Attempt.number == Job.attempt))
        .where(IS_ACTIVE)
    ).all()
    found: dict[int, Start] = {}
    for here in (True, False):
        active = [(job, attempt) for job, attempt in busy if jobs.is_local(job) is here]
        left = [_left(job, attempt, lengths) for job, attempt in active]
        queued = [(job.id, lengths.get(job.config_name, math.inf)) for job in waiting]
        mine = [one for one, job in zip(queued, waiting, strict=True) if jobs.is_local(job) is here]
        for job_id, seconds in play(left, mine, _places(here)).items():
            found[job_id] = _interval(seconds)
    return found


def play(
    left: Sequence[float], queued: Sequence[tuple[int, float]], places: int
) -> dict[int, float]:
    """Return in how many seconds each queued `(id, length)` starts, over jobs with `left` seconds.

    Infinite lengths are unknown ones; what starts after one is left out.
    """
    free = [0.0] * max(places - len(left), 0)
    ends = [*free, *sorted(left)[: max(places, 0)]]
    heapq.heapify(ends)
    found: dict[int, float] = {}
    for job_id, length in queued:
        if not ends:
            break
        at = heapq.heappop(ends)
        if math.isfinite(at):
            found[job_id] = at
        heapq.heappush(ends, at + length)
    return found


def _left(job: Job, attempt: Attempt, lengths: dict[str, float]) -> float:
    told = (attempt.progress or {}).get("eta_seconds")
    if isinstance(told, int | float):
        return float(told)
    length = lengths.get(job.config_name, math.inf)
    return max(length - (jobs.duration_seconds(job) or 0.0), LEAST_SECONDS)


def _median_seconds() -> dict[str, float]:
    """Return the usual length of a run by config, from the last completed ones."""
    rows = db.session.execute(
        select(Job.config_name, Job.started_at, Job.completed_at)
        .where(in_states((JobState.COMPLETED,)), Job.started_at.is_not(None))
        .order_by(Job.id.desc())
        .limit(RUNS_LOOKED_AT)
    )
    runs: dict[str, list[float]] = {}
    for name, started_at, completed_at in rows:
        if started_at and completed_at:
            runs.setdefault(name, []).append((completed_at - started_at).total_seconds())
    return {name: median(seconds) for name, seconds in runs.items()}


def _places(here: bool) -> int:
    most: int = settings.value("queue.max_concurrent")
    return min(most, settings.value("queue.local_job_max_concurrent")) if here else most


def _interval(seconds: float) -> Start:
    moment = now()
    return Start(
        moment + timedelta(seconds=SOONER * seconds),
        moment + timedelta(seconds=LATER * seconds + LEAST_SECONDS),
    )
