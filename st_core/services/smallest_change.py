"""The smallest change that starts a waiting job: sets of remedies, tried by size with the
dispatcher's own decision.

What must happen in any case (approval, letting a paused queue go on) is in every set. A limit is
raised as far as it goes to see whether it helps at all, then only as far as it must.

Words: a *way out* is a set of remedies that starts the job. An answer is *proven* when the
dispatcher was asked, and *smallest* when every smaller set was tried in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from sqlalchemy import select

from ..contracts import Remedy
from ..db import db
from ..models import Job, JobDependency, JobState
from ..models.jobs import IS_ACTIVE
from . import settings
from .positions import position
from .rehearsals import (
    APPROVE,
    COMPLETE_JOB,
    END_JOB,
    RAISE_LIMIT,
    RAISE_PRIORITY,
    REHEARSED,
    RESUME_QUEUE,
    is_unapproved,
    would_start,
)

#: Rehearsals that one answer may cost, running jobs that are looked at, ways out that are told.
MOST_TRIALS = 120
MOST_JOBS = 8
MOST_WAYS = 5
TOP_PRIORITY = 50
#: As far as a limit without a bound of its own is raised in thought.
MOST_GPUS = 1024
LIMITS = ("queue.max_concurrent", "queue.user_max_concurrent", "queue.team_max_concurrent")


@dataclass(frozen=True)
class Answer:
    """The ways out, all of one size; an empty way out says that it starts by itself now."""

    ways: tuple[tuple[Remedy, ...], ...] = ()
    is_proven: bool = False
    is_smallest: bool = False


@dataclass
class _Trials:
    """Rehearsals of one job, each made once, until there have been too many."""

    job_id: int
    seen: dict[frozenset[Remedy], bool] = field(default_factory=dict)

    @property
    def are_over(self) -> bool:
        return len(self.seen) >= MOST_TRIALS

    def starts(self, changes: Iterable[Remedy]) -> bool:
        wanted = frozenset(changes)
        if wanted not in self.seen:
            self.seen[wanted] = would_start(self.job_id, wanted)
        return self.seen[wanted]


def find(job: Job, held_by: Sequence[Remedy] = ()) -> Answer:
    """Return the smallest sets of changes after which a waiting job would start.

    `held_by` are the remedies that plugins named. Without a proven way out, what holds the job
    cannot be ended by anything this server does itself.
    """
    musts, options = _musts(job), _options(job, held_by)
    trials = _Trials(job.id)
    if not trials.starts([*musts, *options]) and not _any_alone(trials, musts, options):
        return Answer()
    for size in range(len(options) + 1):
        found = _of_size(trials, musts, options, size)
        if found:
            ways = [_least(trials, way) for way in found[:MOST_WAYS]]
            return Answer(tuple(dict.fromkeys(ways)), True, not trials.are_over)
        if trials.are_over:
            break
    return Answer((_thinned(job.id, [*musts, *options]),), True, False)


def _any_alone(trials: _Trials, musts: list[Remedy], options: list[Remedy]) -> bool:
    """Tell whether one change helps where all together do not: others may go first then."""
    return any(trials.starts([*musts, option]) for option in options)


def _of_size(
    trials: _Trials, musts: list[Remedy], options: list[Remedy], size: int
) -> list[tuple[Remedy, ...]]:
    """Return the sets of so many options that start the job."""
    found = []
    for chosen in combinations(options, size):
        if trials.are_over:
            break
        if trials.starts([*musts, *chosen]):
            found.append((*musts, *chosen))
    return found


def _least(trials: _Trials, way: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """Return a way out whose figures are as near to the present ones as they may be."""
    for place, change in enumerate(way):
        if change.value is None:
            continue
        low, high = _present(trials.job_id, change), int(change.value)
        step = 1  # mostly one or two more are enough, so the steps begin small
        while high - low > 1:
            middle = min(low + step, high - 1)
            tried = (*way[:place], _valued(change, middle), *way[place + 1 :])
            if would_start(trials.job_id, tried):
                high, step = middle, 1
            else:
                low, step = middle, step * 2
        way = (*way[:place], _valued(change, high), *way[place + 1 :])
    return way


def _present(job_id: int, change: Remedy) -> int:
    """Return the figure in force of what a change raises."""
    if change.kind == RAISE_PRIORITY:
        return db.session.get_one(Job, job_id).effective_priority
    return int(settings.value(change.subject) or 0)


def _thinned(job_id: int, changes: list[Remedy]) -> tuple[Remedy, ...]:
    """Return a set from which nothing can be left out, though another may be smaller."""
    kept = list(changes)
    for change in changes:
        fewer = [each for each in kept if each != change]
        if would_start(job_id, fewer):
            kept = fewer
    return tuple(kept)


# ── what can be changed ───────────────────────────────────────────────────────────────────────────


def _musts(job: Job) -> list[Remedy]:
    found = []
    if is_unapproved(job):
        found.append(Remedy(APPROVE, str(job.id), "People approve it."))
    if settings.value("queue.paused"):
        found.append(Remedy(RESUME_QUEUE, "queue.paused", "Somebody lets the queue go on."))
    return found


def _options(job: Job, held_by: Sequence[Remedy]) -> list[Remedy]:
    """Return the changes to choose from, the easiest first."""
    needed = _dependencies(job)
    raised = [remedy.subject for remedy in held_by if remedy.kind == RAISE_LIMIT]
    if not job.bypasses_queue:
        raised = [*(LIMITS if job.team_id else LIMITS[:2]), *raised]
    found = [
        *needed,
        *(remedy for remedy in held_by if remedy.kind in REHEARSED - {RAISE_LIMIT, END_JOB}),
        *(_ends(job, {remedy.subject for remedy in needed})),
        *(change for key in dict.fromkeys(raised) if (change := _raise(key)) is not None),
    ]
    if position(job) != 1 and job.effective_priority < TOP_PRIORITY:
        found.append(_valued(Remedy(RAISE_PRIORITY, str(job.id), ""), TOP_PRIORITY))
    return list(dict.fromkeys(found))


def _dependencies(job: Job) -> list[Remedy]:
    query = (
        select(Job)
        .join(JobDependency, JobDependency.on_job_id == Job.id)
        .where(JobDependency.job_id == job.id, Job.state != JobState.COMPLETED)
    )
    return [
        Remedy(COMPLETE_JOB, str(other.id), f"Job {other.id} ({other.name}) completes.")
        for other in db.session.scalars(query.order_by(Job.id).limit(MOST_JOBS))
    ]


def _ends(job: Job, needed: set[str]) -> list[Remedy]:
    """Return the running jobs that may end, those of the same place and person first."""
    query = select(Job).where(IS_ACTIVE).order_by(Job.started_at, Job.id)
    running = [other for other in db.session.scalars(query) if str(other.id) not in needed]
    running.sort(key=lambda other: _far(job, other))
    return [
        Remedy(END_JOB, str(other.id), f"Job {other.id} ({other.name}) ends.")
        for other in running[:MOST_JOBS]
    ]


def _far(job: Job, other: Job) -> int:
    alike = (
        other.provider == job.provider,
        other.user_id == job.user_id,
        job.team_id is not None and other.team_id == job.team_id,
    )
    return -sum(alike)


def _raise(key: str) -> Remedy | None:
    """Return a limit raised as far as it goes, None where it cannot be raised."""
    declared = settings.view().declared[key]
    present, most = settings.value(key), int(declared.maximum or MOST_GPUS)
    if present is None or present >= most:
        return None
    return _valued(Remedy(RAISE_LIMIT, key, ""), most)


def _valued(change: Remedy, value: int) -> Remedy:
    """Return a change to another figure, with the sentence that says so."""
    if change.kind == RAISE_PRIORITY:
        text = f"Job {change.subject} is given priority {value}."
    else:
        text = f"The limit {change.subject} is raised to {value}."
    return replace(change, value=float(value), text=text)
