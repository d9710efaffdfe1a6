"""The queue: its order, true positions, what holds a job back, priorities, and releasing what waits
for a person.

The order is that of `turns`: effective priority, then time of entering, then number, or that of the
fair share. A job's *position* is one more than the number of queued jobs before it in that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import lazyload

from ..clock import iso, now
from ..contracts import Viewer
from ..db import db, fresh_view
from ..errors import Malformed
from ..models import Attempt, Job, JobState, User
from ..models.jobs import IS_QUEUED, in_states
from ..models.states import ACTIVE
from . import jobs, limits, permissions, turns, visibility
from .limits import Load
from .positions import position
from .queue_control import approve, pause, reject, request_of, set_priority

#: Words of the queue's own API for our states.
STATUS = {
    JobState.PENDING_APPROVAL: "blocked",
    JobState.QUEUED: "pending",
    JobState.STARTING: "running",
    JobState.RUNNING: "running",
}


@dataclass(frozen=True)
class Entry:
    """One line of the queue: the job, its place (0 once it runs), and why it waits."""

    job: Job
    position: int
    waits_because: str | None
    user: User | None = None


def states_for(word: str | None, include_completed: bool = False) -> tuple[JobState, ...]:
    """Return the states a word of the queue's API means. Raises Malformed for an unknown one."""
    if word is None:
        waiting = (JobState.PENDING_APPROVAL, JobState.QUEUED, JobState.STARTING, JobState.RUNNING)
        ended = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)
        return waiting + (ended if include_completed else ())
    known = {
        "pending": (JobState.QUEUED,),
        "ready": (JobState.QUEUED,),
        "queued": (JobState.QUEUED,),
        "blocked": (JobState.PENDING_APPROVAL,),
        "pending_approval": (JobState.PENDING_APPROVAL,),
        "starting": (JobState.STARTING,),
        "running": (JobState.STARTING, JobState.RUNNING),
        "completed": (JobState.COMPLETED,),
        "failed": (JobState.FAILED,),
        "cancelled": (JobState.CANCELLED,),
    }
    if word not in known:
        raise Malformed(f"{word!r} is no status of the queue. There are: {', '.join(known)}.")
    return known[word]


def scope(viewer: Viewer, user_id: int | None = None) -> ColumnElement[bool]:
    """Return the SQL criterion for queue entries the viewer may see: own and the teams', with
    `queue.view.all` every job they may see. Raises NotAllowed for another user's without it."""
    if user_id is not None and user_id != viewer.user_id:
        permissions.require(viewer, "queue.view.all")
    mine = jobs.within(visibility.of(viewer, see_all="queue.view.all"))
    return mine if user_id is None else and_(mine, Job.user_id == user_id)


def entries(
    viewer: Viewer,
    states: tuple[JobState, ...],
    *,
    user_id: int | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Entry]:
    """Return the queue as the viewer may see it: what runs, what waits in order, what waits for a
    person, what has ended; each part is read through its own index, all as of one moment."""
    fresh_view()
    rows: list[tuple[Job, User | None]] = []
    mine, skip = scope(viewer, user_id), offset
    for part, order in _PARTS:
        wanted = [state for state in part if state in states]
        if not wanted or len(rows) >= limit:
            continue
        criterion = in_states(wanted)
        people = select(Job, User).options(lazyload(User.levels), lazyload(User.overrides))
        query = people.outerjoin(User, User.id == Job.user_id).where(criterion, mine)
        ordered = turns.ordered(query) if order is None else query.order_by(*order)
        page = ordered.limit(limit - len(rows)).offset(skip)
        found = [(job, user) for job, user in db.session.execute(page)]
        if skip and not found:
            skip -= db.session.scalar(select(func.count(Job.id)).where(criterion, mine)) or 0
        elif found:
            skip = 0
        rows += found
    return _with_places(rows, gapless=viewer.may("*") and user_id is None)


#: The parts of the queue in the order in which they are listed, each with its own order; None is
#: that of the queue.
_PARTS: tuple[tuple[tuple[JobState, ...], tuple[Any, ...] | None], ...] = (
    ((JobState.STARTING, JobState.RUNNING), (Job.started_at, Job.id)),
    ((JobState.QUEUED,), None),
    ((JobState.PENDING_APPROVAL,), (Job.id,)),
    ((JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED), (Job.completed_at.desc(), Job.id)),
)


def _with_places(rows: list[tuple[Job, User | None]], *, gapless: bool) -> list[Entry]:
    """Give each row its true position; `gapless` says that no queued job between is missing."""
    present = limits.load()
    queued = [job for job, _ in rows if job.state is JobState.QUEUED]
    places = _places(queued, gapless=gapless)
    return [Entry(job, places.get(job.id, 0), _why(job, present), user) for job, user in rows]


def _places(queued: list[Job], *, gapless: bool) -> dict[int, int]:
    """Return the positions of jobs given in queue order, by one statement."""
    if not queued:
        return {}
    if gapless:
        first = position(queued[0])
        return {job.id: first + number for number, job in enumerate(queued)}
    every, order = turns.keyed(select(Job.id).where(IS_QUEUED))
    place = func.row_number().over(order_by=order).label("place")
    numbered = every.add_columns(place).subquery()
    wanted = select(numbered).where(numbered.c.id.in_([job.id for job in queued]))
    return {job_id: number for job_id, number in db.session.execute(wanted)}


def _why(job: Job, present: Load) -> str | None:
    """Return the sentence that says why a waiting job waits."""
    if job.state is JobState.PENDING_APPROVAL:
        return "Waits for a person's approval."
    if job.state is not JobState.QUEUED:
        return None
    held = limits.reached_by(job, present)
    return held.reason if held else job.hold_reason


def totals(viewer: Viewer, user_id: int | None = None) -> tuple[int, int, int]:
    """Return how many jobs wait, run and wait for approval, within what the viewer may see."""
    mine = scope(viewer, user_id)
    parts = ((JobState.QUEUED,), tuple(ACTIVE), (JobState.PENDING_APPROVAL,))
    counts = (  # each on its own index; counted together they would be looked for in all jobs
        select(func.count(Job.id)).where(in_states(states), mine).scalar_subquery()
        for states in parts
    )
    waiting, running, asked = db.session.execute(select(*counts)).one()
    return waiting, running, asked


def average_wait_seconds() -> float | None:
    """Return the mean time from entering the queue to the start, over the last hundred started
    jobs."""
    rows = db.session.execute(
        select(Job.queued_at, Attempt.created_at)
        .join(Attempt, Attempt.job_id == Job.id)
        .where(Attempt.number == 1, Attempt.created_at >= Job.queued_at)  # a retry enters anew
        .order_by(Attempt.id.desc())
        .limit(100)
    )
    waits = [(claimed - queued).total_seconds() for queued, claimed in rows if queued]
    return sum(waits) / len(waits) if waits else None


def estimated_wait_seconds(job: Job) -> float | None:
    """Return position x average wait / max(running, 1) (contract section 3); None while nothing
    is known."""
    average = average_wait_seconds()
    place = position(job)
    if average is None or place == 0:
        return None
    return place * average / max(limits.load().total, 1)


def stats(viewer: Viewer) -> dict[str, Any]:
    """Return the numbers of the queue. Raises NotAllowed without `queue.view`."""
    permissions.require(viewer, "queue.view")
    fresh_view()
    by_status = {
        STATUS.get(state, state.value): 0 for state in JobState if state is not JobState.NEW
    }
    waiting, running, blocked = totals(viewer)
    by_status.update(pending=waiting, running=running, blocked=blocked)
    since = now() - timedelta(days=30)
    ended = db.session.execute(
        select(Job.state, func.count())
        .where(Job.completed_at >= since, scope(viewer))
        .group_by(Job.state)
    )
    by_status.update({state.value: count for state, count in ended if state.is_final})
    by_user: dict[str, int] = {}
    if viewer.may("queue.view.all"):
        query = (
            select(Job.user_id, func.count())
            .where(in_states((JobState.QUEUED, *ACTIVE)), jobs.visible_to(viewer))
            .group_by(Job.user_id)
        )
        by_user = {str(user_id): count for user_id, count in db.session.execute(query)}
    return {
        "by_status": by_status,
        "by_user": by_user,
        "queue_depth": waiting,
        "running": running,
        "avg_wait_seconds": average_wait_seconds(),
        **limits.current(),
    }


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Return the fields of an entry that clients know."""
    job = entry.job
    return {
        "id": job.id,
        "job_id": str(job.id),
        "user_id": job.user_id,
        "provider": job.provider,
        "config_name": job.config_name,
        "priority": job.priority,
        "priority_name": jobs.priority_name(job.effective_priority),
        "priority_override": job.priority_override,
        "effective_priority": job.effective_priority,
        "status": STATUS.get(job.state, job.state.value),
        "position": entry.position,
        "queued_at": iso(job.queued_at or job.created_at),
        "started_at": iso(job.started_at),
        "completed_at": iso(job.completed_at),
        "estimated_cost": float(job.estimated_cost_usd or 0),
        "requires_approval": job.requires_approval,
        "attempt": job.attempt,
        "error_message": job.error_message,
        "hold_reason": entry.waits_because,
        "name": job.name,
        "hardware": job.hardware,
    }


def count(viewer: Viewer, states: tuple[JobState, ...], cap: int = 1000) -> tuple[int, bool]:
    """Return how many entries the viewer may see, up to `cap`, and whether that is all."""
    some = select(Job.id).where(in_states(states), scope(viewer)).limit(cap + 1).subquery()
    found = db.session.scalar(select(func.count()).select_from(some)) or 0
    return min(found, cap), found <= cap


__all__ = [
    "STATUS",
    "Entry",
    "approve",
    "average_wait_seconds",
    "count",
    "entries",
    "entry_fields",
    "estimated_wait_seconds",
    "pause",
    "position",
    "reject",
    "request_of",
    "scope",
    "set_priority",
    "states_for",
    "stats",
    "totals",
]
