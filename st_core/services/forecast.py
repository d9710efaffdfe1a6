"""When waiting jobs will probably start: the queue played forward many times over what runs now.

Each *play* gives every run a length: the usual one of its config times a stretch that such a run
really had. Jobs come in meanwhile as they did lately, and whoever goes first takes the place. The
interval leaves out the earliest and the latest twentieth of the plays, so that nine of ten jobs
start within it.

What is not played: devices, holds of plugins, failures and new limits; `Forecast.unknown` says so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from ..clock import now
from ..db import db
from ..models import Attempt, Job, JobDependency, JobState
from ..models.jobs import IS_ACTIVE, IS_QUEUED
from . import job_fields, registries, run_lengths, settings, turns
from .playing import Caps, Run, play
from .run_lengths import Lengths

PLAYS = 120
#: Plays left out at either end of the interval.
LEFT_OUT = PLAYS // 20
#: Waiting jobs that are played; who stands further back is not told a time.
MOST_WAITING = 150
#: Submissions from which the coming ones are drawn.
ARRIVALS_LOOKED_AT = 200
#: A burst on a young server does not say that it goes on like that.
LEAST_SPAN_SECONDS = 3600.0
#: What the dispatcher and a start themselves may take.
LEAST_SECONDS = 5.0
UNKNOWN = (
    "whether somebody stops a running job, or changes a priority or a limit",
    "whether the hardware is free when it is its turn",
)


_OTHER = aliased(Job)
_IS_AFTER_ANOTHER = exists().where(
    JobDependency.job_id == Job.id,
    JobDependency.on_job_id == _OTHER.id,
    or_(
        _OTHER.completed_at.is_(None),
        and_(JobDependency.kind == "after_ok", _OTHER.state != JobState.COMPLETED),
    ),
)


@dataclass(frozen=True)
class Start:
    """The interval in which a job will start, nine times out of ten, and its middle."""

    earliest: datetime
    latest: datetime
    likely: datetime


@dataclass(frozen=True)
class Forecast:
    """What is expected of one job; `start` None where nothing can be said. `basis` says what its
    own length is taken from, `unknown` lists what the answer does not know."""

    start: Start | None
    basis: str
    unknown: tuple[str, ...] = ()


def of(job: Job) -> Forecast | None:
    """Return what is expected of a job, None for one that does not wait in the queue."""
    if job.state is not JobState.QUEUED:
        return None
    lengths = run_lengths.recent()
    start = _starts(lengths).get(job.id)
    basis = lengths.basis(job.config_name, job.trainer)
    return Forecast(start, basis, (*_missing(job, lengths, start), *UNKNOWN))


def starts() -> dict[int, Start]:
    """Return the expected starts of the first queued jobs; unknown ones are left out."""
    return {} if settings.value("queue.paused") else _starts(run_lengths.recent())


def _missing(job: Job, lengths: Lengths, start: Start | None) -> Iterator[str]:
    """Yield what is missing for this job in particular."""
    if settings.value("queue.paused"):
        yield "when the queue goes on"
    elif job.provider not in registries.providers():
        yield f"when the provider {job.provider} is enabled"
    elif start is None:
        yield "how long what it waits for takes"
    if not math.isfinite(lengths.usual(job.config_name, job.trainer)):
        yield f"how long a run of {job.config_name} takes"


def _starts(lengths: Lengths) -> dict[int, Start]:
    waiting = _waiting()
    if not waiting or settings.value("queue.paused"):
        return {}
    running, recent = _running(), _recent()
    drawn = random.Random(len(waiting))  # noqa: S311 - nothing secret; the same page, the same times
    length = partial(_length, lengths, drawn)
    told: dict[int, list[float]] = {run.id: [] for run in waiting}
    for _ in range(PLAYS):
        left = [(_left(lengths, drawn, *one), one[0]) for one in running]
        coming = _coming(recent, drawn)
        for job_id, seconds in play(left, waiting, coming, _caps(), length).items():
            told[job_id].append(seconds)
    return {job_id: _interval(sorted(all_)) for job_id, all_ in told.items() if _is_known(all_)}


def _is_known(seconds: Sequence[float]) -> bool:
    """Tell whether a job started in so many plays that both ends of its interval are known."""
    return len(seconds) >= PLAYS - LEFT_OUT + 1


def _interval(seconds: Sequence[float]) -> Start:
    moment = now()
    earliest, likely, latest = (
        moment + timedelta(seconds=seconds[place])
        for place in (LEFT_OUT - 1, len(seconds) // 2, PLAYS - LEFT_OUT)
    )
    return Start(earliest, latest + timedelta(seconds=LEAST_SECONDS), likely)


def _length(lengths: Lengths, drawn: random.Random, run: Run) -> float:
    """Return how long a run may take, infinite where nobody knows."""
    usual = lengths.usual(run.config, run.trainer)
    if not math.isfinite(usual):
        return math.inf
    return usual * drawn.choice(lengths.stretches(run.config, run.trainer))


def _left(
    lengths: Lengths, drawn: random.Random, run: Run, spent: float, told: float | None
) -> float:
    """Return how long something may run on: as its trainer tells, or as such runs did that had
    taken as long already."""
    stretches = lengths.stretches(run.config, run.trainer)
    if told is not None:
        return max(told * (1 + drawn.choice(stretches)) / 2, LEAST_SECONDS)
    usual = lengths.usual(run.config, run.trainer)
    if not math.isfinite(usual):
        return math.inf
    longer = [usual * stretch for stretch in stretches if usual * stretch > spent]
    return drawn.choice(longer) - spent if longer else drawn.uniform(0.0, max(spent, usual) / 4)


def _waiting() -> list[Run]:
    """Return the first queued jobs that may start once there is room."""
    query = turns.ordered(select(Job).where(IS_QUEUED, ~_IS_AFTER_ANOTHER)).limit(MOST_WAITING)
    known = registries.providers()
    return [_run(job) for job in db.session.scalars(query) if job.provider in known]


def _running() -> list[tuple[Run, float, float | None]]:
    """Return what runs, for how long it has, and what its trainer says is left, in seconds."""
    rows = db.session.execute(
        select(Job, Attempt)
        .outerjoin(Attempt, (Attempt.job_id == Job.id) & (Attempt.number == Job.attempt))
        .where(IS_ACTIVE)
    ).all()
    return [(_run(job), job_fields.duration_seconds(job) or 0.0, _eta(at)) for job, at in rows]


def _eta(attempt: Attempt | None) -> float | None:
    told = (attempt.progress or {}).get("eta_seconds") if attempt else None
    return float(told) if isinstance(told, int | float) and math.isfinite(told) else None


def _recent() -> list[tuple[datetime, Run]]:
    """Return the last submissions with their moments, the newest first."""
    query = select(Job).order_by(Job.id.desc()).limit(ARRIVALS_LOOKED_AT)
    return [(job.created_at, _run(job)) for job in db.session.scalars(query)]


def _coming(
    recent: Sequence[tuple[datetime, Run]], drawn: random.Random
) -> Iterator[tuple[float, Run]]:
    """Yield who may come and when, as often as they came lately."""
    if len(recent) < 2:
        return
    span = max((now() - recent[-1][0]).total_seconds(), LEAST_SPAN_SECONDS)
    at = 0.0
    while True:
        at += drawn.expovariate(len(recent) / span)
        yield at, _stranger(drawn.choice(recent)[1])


def _stranger(run: Run) -> Run:
    """Return somebody new who is like one who came before."""
    return Run(0, run.priority, run.user, run.team, run.config, run.trainer, run.here, run.bypasses)


def _run(job: Job) -> Run:
    return Run(
        job.id,
        job.effective_priority,
        job.user_id,
        job.team_id,
        job.config_name,
        job.trainer,
        job_fields.is_local(job),
        job.bypasses_queue,
    )


def _caps() -> Caps:
    def most(name: str) -> Any:
        return settings.value(f"queue.{name}")

    return Caps(
        most("max_concurrent"),
        most("user_max_concurrent"),
        most("team_max_concurrent"),
        min(most("local_job_max_concurrent"), most("max_concurrent")),
    )
