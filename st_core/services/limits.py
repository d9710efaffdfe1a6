"""Limits of the queue: how many jobs run at the same time, for everyone, one person, one team, this
machine.

The *load* is what runs now; it is counted from an index over active jobs, never by loading the
queue.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from ..contracts import Action, Submission, Verdict, Viewer
from ..db import db
from ..errors import Malformed, NotAllowed, SetTimeRule
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
)


@dataclass
class Load:
    """How many jobs are active (starting or running), in total and by user, team and provider."""

    total: int = 0
    by_user: Counter[int | None] = field(default_factory=Counter)
    by_team: Counter[int | None] = field(default_factory=Counter)
    by_provider: Counter[str] = field(default_factory=Counter)

    def add(self, job: Job, count: int = 1) -> None:
        """Count `job` in."""
        self.total += count
        self.by_user[job.user_id] += count
        self.by_team[job.team_id] += count
        self.by_provider[job.provider] += count


def load(also: ColumnElement[bool] | None = None) -> Load:
    """Return the present load, by one aggregate query; jobs that `also` names count as active."""
    now = Load()
    query = (
        select(Job.user_id, Job.team_id, Job.provider, func.count())
        .where(IS_ACTIVE if also is None else or_(IS_ACTIVE, also))
        .group_by(Job.user_id, Job.team_id, Job.provider)
    )
    for user_id, team_id, provider, count in db.session.execute(query):
        now.total += count
        now.by_user[user_id] += count
        now.by_team[team_id] += count
        now.by_provider[provider] += count
    return now


def reached_by(job: Job, present: Load) -> str | None:
    """Return the sentence of the first limit that holds `job` back, None when none does."""
    if settings.value("queue.paused"):
        return "The queue is paused."
    if job.bypasses_queue:
        return None
    most = settings.value("queue.max_concurrent")
    if present.total >= most:
        return f"{present.total} of {most} jobs run at the same time."
    most = settings.value("queue.user_max_concurrent")
    if present.by_user[job.user_id] >= most:
        return f"{present.by_user[job.user_id]} of {most} running for this person."
    most = settings.value("queue.team_max_concurrent")
    if job.team_id is not None and present.by_team[job.team_id] >= most:
        return f"{present.by_team[job.team_id]} of {most} running for this team."
    return None


def waits_because(job: Job) -> str:
    """Return why `job` would wait now, or that it starts as soon as it is its turn."""
    present = load()
    hold = current_plugins().hold_job(job, present)
    return (
        reached_by(job, present) or (hold.reason if hold else "") or "Starts when it is its turn."
    )


def immediate(job: Job, submission: Submission) -> list[Verdict]:
    """Return a blocking verdict when the submission must not wait and would have to."""
    if not submission.no_wait:
        return []
    present = load(also=_about_to_start_before(job))
    hold = current_plugins().hold_job(job, present)
    reason = reached_by(job, present) or (hold.reason if hold else None)
    if reason is None:
        return []
    return [Verdict("no_wait", Action.BLOCK, 1, 1, "jobs", f"It would have to wait: {reason}")]


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
    return {
        **{name: settings.value(f"queue.{name}") for name in NAMES},
        "enable_fair_share": False,
        "paused": settings.value("queue.paused"),
    }


def change(viewer: Viewer, values: dict[str, Any]) -> dict[str, Any]:
    """Command: change limits; returns those in force. Raises NotAllowed without `queue.manage`,
    SetTimeRule for a limit that is not in force in this server."""
    if values.get("enable_fair_share"):
        raise SetTimeRule("fair share is not part of this server yet; enable_fair_share stays off")
    named = {f"queue.{name}": value for name, value in values.items() if name in NAMES}
    settings.change(viewer, named, permission="queue.manage")
    tasks.wake("dispatch")
    return current()
