"""Limits of the queue: how many jobs run at the same time, for everyone, one person, one team, this
machine.

The *load* is what runs now; it is counted from an index over active jobs, never by loading the
queue. A limit that holds a job back says so as a `Hold`, with each change that would end it alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from ..contracts import Action, Hold, Remedy, Submission, Verdict, Viewer
from ..db import db
from ..errors import Malformed, NotAllowed
from ..models import Job
from ..models.jobs import IS_ACTIVE, IS_QUEUED
from ..plugins import current_plugins
from . import permissions, settings, tasks

NAMES = (
    "max_concurrent",
    "user_max_concurrent",
    "team_max_concurrent",
    "local_gpu_max_concurrent",
    "local_job_max_concurrent",
    "enable_fair_share",
)


@dataclass(frozen=True, slots=True)
class Active:
    """One active job: its number, and whose and where it is."""

    id: int
    user_id: int | None
    team_id: int | None
    provider: str


@dataclass
class Load:
    """How many jobs are active (starting or running), in total and by user, team and provider.

    `active` names them, where they were counted one by one.
    """

    total: int = 0
    by_user: Counter[int | None] = field(default_factory=Counter)
    by_team: Counter[int | None] = field(default_factory=Counter)
    by_provider: Counter[str] = field(default_factory=Counter)
    active: list[Active] = field(default_factory=list)

    def add(self, job: Job, count: int = 1) -> None:
        """Count `job` in."""
        self.total += count
        self.by_user[job.user_id] += count
        self.by_team[job.team_id] += count
        self.by_provider[job.provider] += count


def load(also: ColumnElement[bool] | None = None) -> Load:
    """Return the present load; jobs that `also` names count as active, without being named."""
    found = Load()
    query = select(Job.id, Job.user_id, Job.team_id, Job.provider).where(IS_ACTIVE)
    for row in db.session.execute(query.order_by(Job.id)):
        found.active.append(Active(*row))
        _count(found, row.user_id, row.team_id, row.provider, 1)
    if also is not None:
        whose = (Job.user_id, Job.team_id, Job.provider)
        for user_id, team_id, provider, count in db.session.execute(
            select(*whose, func.count()).where(also).group_by(*whose)
        ):
            _count(found, user_id, team_id, provider, count)
    return found


def _count(
    found: Load, user_id: int | None, team_id: int | None, provider: str, count: int
) -> None:
    found.total += count
    found.by_user[user_id] += count
    found.by_team[team_id] += count
    found.by_provider[provider] += count


def reached_by(job: Job, present: Load) -> Hold | None:
    """Return the first limit that holds `job` back, None when none does."""
    return next(all_reached_by(job, present), None)


def all_reached_by(job: Job, present: Load) -> Iterator[Hold]:
    """Yield every limit that holds `job` back; the job starts only once none of them holds."""
    if settings.value("queue.paused"):
        remedy = Remedy("resume_queue", "queue.paused", "Somebody lets the queue go on.")
        yield Hold("The queue is paused.", scope="everyone", remedies=(remedy,))
    if job.bypasses_queue:
        return
    checks: tuple[tuple[str, str, int, str, Callable[[Active], bool]], ...] = (
        ("max_concurrent", "everyone", present.total, "{} of {} jobs run at the same time.", _any),
        (
            "user_max_concurrent",
            "person",
            present.by_user[job.user_id] if job.user_id is not None else 0,
            "{} of {} running for this person.",
            lambda one: one.user_id == job.user_id,
        ),
        (
            "team_max_concurrent",
            "team",
            present.by_team[job.team_id] if job.team_id is not None else 0,
            "{} of {} running for this team.",
            lambda one: one.team_id == job.team_id,
        ),
    )
    for name, scope, count, sentence, counts in checks:
        most = settings.value(f"queue.{name}")
        if count >= most:
            remedies = _remedies(name, count, most, [one for one in present.active if counts(one)])
            yield Hold(sentence.format(count, most), scope=scope, remedies=remedies)


def _any(one: Active) -> bool:
    return True


def _remedies(name: str, count: int, most: int, running: list[Active]) -> tuple[Remedy, ...]:
    """Return the changes of which each alone makes room under one limit."""
    key = f"queue.{name}"
    raised = Remedy("raise_limit", key, f"The limit {key} is raised to {count + 1}.", count + 1)
    if count > most:  # it was lowered below what runs: one end makes no room
        return (raised,)
    return (
        raised,
        *(Remedy("end_job", str(one.id), f"Job {one.id} ends.") for one in running),
    )


def waits_because(job: Job) -> str:
    """Return why `job` would wait now, or that it starts as soon as it is its turn."""
    present = load()
    hold = current_plugins().hold_job(job, present)
    held = reached_by(job, present) or hold
    return held.reason if held else "Starts when it is its turn."


def immediate(job: Job, submission: Submission) -> list[Verdict]:
    """Return a blocking verdict when the submission must not wait and would have to."""
    if not submission.no_wait:
        return []
    present = load(also=_about_to_start_before(job))
    hold = current_plugins().hold_job(job, present)
    held = reached_by(job, present) or hold
    if held is None:
        return []
    return [Verdict("no_wait", Action.BLOCK, 1, 1, "jobs", f"It would have to wait: {held.reason}")]


def _about_to_start_before(job: Job) -> ColumnElement[bool]:
    """Return the SQL criterion of jobs that nothing was seen to hold back and that go before a new
    `job`."""
    return and_(
        IS_QUEUED,
        Job.hold_reason.is_(None),
        Job.effective_priority >= job.effective_priority,
    )


def require_priority(viewer: Viewer, priority: int, *, own: bool) -> None:
    """Pass when the viewer may give a job this priority (0 to 50).

    `job.priority.high` gives up to HIGH (20) on own and team jobs; any value needs `queue.manage`.
    Raises Malformed for a priority beyond 0 to 50.
    """
    if not 0 <= priority <= 50:
        raise Malformed(
            f"priority {priority} is not between 0 and 50",
            fields=[{"path": "priority", "message": "0 to 50"}],
        )
    if viewer.may("queue.manage"):
        return
    if own and priority <= 20 and viewer.may("job.priority.high"):
        return
    if own and priority <= 20:
        permissions.require(viewer, "job.priority.high")
    raise NotAllowed(
        f"Permission denied: priority {priority} needs queue.manage.",
        details={"permission": "queue.manage"},
    )


def current() -> dict[str, Any]:
    """Return the limits in force by their names in the API."""
    names = (*NAMES, "paused")
    return {name: settings.value(f"queue.{name}") for name in names}


def change(viewer: Viewer, values: dict[str, Any]) -> dict[str, Any]:
    """Command: change limits; returns those in force. Raises NotAllowed without `queue.manage`."""
    named = {f"queue.{name}": value for name, value in values.items() if name in NAMES}
    settings.change(viewer, named, permission="queue.manage")
    tasks.wake("dispatch")
    return current()
