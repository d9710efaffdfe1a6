"""What holds a waiting job back: every gate before its start, and who or what holds each.

A *holder* is somebody or something that can be named: people, a running job, a setting. Nothing is
written, and nothing is left out: gates that let the job pass are told as well.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.exc import SQLAlchemyError

from ..contracts import Hold, Remedy, Viewer
from ..db import db
from ..models import Job, JobDependency, JobState, StoredSetting, User
from ..models.jobs import IS_ACTIVE
from ..plugins import current_plugins
from . import admission, dispatcher, jobs, limits, registries, settings
from .limits import Load
from .positions import position

log = logging.getLogger(__name__)
#: Running jobs that are named as holders; the rest is counted.
MOST_NAMED = 5
_ENDS = {"end_job": "ends", "complete_job": "completes"}


@dataclass(frozen=True)
class Holding:
    """One gate before the start: `result` is pass, ask (people decide), wait (others
    go first) or no (it is held here).

    `held_by` names who or what holds it, `remedies` what would end it, any one of them.
    """

    name: str
    result: str
    text: str
    held_by: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()


def of(viewer: Viewer, job: Job) -> list[Holding]:
    """Return every gate before the start of a waiting job, in the order in which they are
    passed."""
    present = limits.load()
    found = [
        _approval(job),
        *_dependencies(viewer, job),
        _pause(),
        *_places(job),
        *_limits(viewer, job, present),
        *_plugins(job, present),
        _turn(job),
    ]
    found += _last_said(job, found)
    return [
        replace(one, remedies=tuple(told_remedy(viewer, each) for each in one.remedies))
        for one in found
    ]


def _approval(job: Job) -> Holding:
    if job.state is JobState.PENDING_APPROVAL:
        asked = job.demands or [{"approver_level": "lead", "quorum": 1, "reason": "asked for"}]
        desk = registries.approval_desk()
        missing = desk.missing(job.id) if desk is not None else None
        people = {
            f"{one.get('quorum') or 1} of level {one.get('approver_level') or 'lead'}": None
            for one in asked
        }
        text = "; ".join(str(one.get("reason") or "people must decide") for one in asked)
        remedy = Remedy("approve", str(job.id), "People approve it.")
        return Holding("Approval", "ask", text, (missing,) if missing else (*people,), (remedy,))
    if not admission.is_approved(job):
        remedy = Remedy("approve", str(job.id), "It is edited, and approved as it is then.")
        return Holding("Approval", "no", admission.CHANGED, ("its submitter",), (remedy,))
    said = "approved" if job.requires_approval else "nobody must approve it"
    return Holding("Approval", "pass", said)


def _dependencies(viewer: Viewer, job: Job) -> Iterator[Holding]:
    query = (
        select(JobDependency.kind, Job)
        .join(Job, JobDependency.on_job_id == Job.id)
        .where(JobDependency.job_id == job.id)
        .order_by(Job.id)
    )
    for kind, other in db.session.execute(query):
        name = told(viewer, other)
        met = other.state is JobState.COMPLETED or (kind == "after_any" and other.state.is_final)
        if met:
            yield Holding("Dependency", "pass", f"after {name}, which is {other.state.value}")
            continue
        must = "has completed" if kind == "after_ok" else "has ended"
        text = f"It starts once {name} {must}; that job is {other.state.value}."
        remedy = Remedy("complete_job", str(other.id), f"Job {other.id} completes.")
        yield Holding("Dependency", "no", text, (name,), (remedy,))


def _pause() -> Holding:
    if not settings.value("queue.paused"):
        return Holding("Queue", "pass", "it is dispatching")
    row = db.session.get(StoredSetting, "queue.paused")
    person = db.session.get(User, row.updated_by_id) if row and row.updated_by_id else None
    who = person.display_name or person.username if person else "the configuration"
    remedy = Remedy("resume_queue", "queue.paused", "Somebody lets the queue go on.")
    return Holding("Queue", "no", "The queue is paused.", (who,), (remedy,))


def _places(job: Job) -> Iterator[Holding]:
    for what, name, known in (
        ("provider", job.provider, registries.providers()),
        ("trainer", job.trainer, registries.trainers()),
    ):
        if name in known:
            yield Holding(what.title(), "pass", f"the {what} {name} is enabled")
            continue
        remedy = Remedy(f"enable_{what}", name, f"An admin enables the {what} {name}.")
        text = f"The {what} {name} is not enabled."
        yield Holding(what.title(), "no", text, ("plugins.enabled",), (remedy,))
    if job.provider in dispatcher.lanes.full():
        text = f"{job.provider} is starting as many jobs as it can at a time."
        remedy = Remedy("wait", job.provider, "One of these starts is done; that takes seconds.")
        yield Holding("Provider", "no", text, (job.provider,), (remedy,))


def _limits(viewer: Viewer, job: Job, present: Load) -> Iterator[Holding]:
    circles: list[tuple[str, str, int, ColumnElement[bool]]] = [
        ("Limit for everyone", "queue.max_concurrent", present.total, true()),
        (
            "Limit per person",
            "queue.user_max_concurrent",
            present.by_user[job.user_id],
            Job.user_id == job.user_id,
        ),
    ]
    if job.team_id is not None:
        running = present.by_team[job.team_id]
        mine = Job.team_id == job.team_id
        circles.append(("Limit per team", "queue.team_max_concurrent", running, mine))
    for name, key, used, whose in circles:
        most = settings.value(key)
        if job.bypasses_queue:
            yield Holding(name, "pass", f"{used} of {most} run; this job may pass all the same")
        elif used < most:
            yield Holding(name, "pass", f"{used} of {most} run")
        else:
            named, remedies = _running(viewer, key, used, most, whose)
            yield Holding(name, "no", f"{used} of {most} run.", named, remedies)


def _running(
    viewer: Viewer, key: str, used: int, most: int, whose: ColumnElement[bool]
) -> tuple[tuple[str, ...], tuple[Remedy, ...]]:
    """Return who fills a limit, and what makes room under it."""
    query = select(Job).where(IS_ACTIVE, whose).order_by(Job.started_at, Job.id).limit(MOST_NAMED)
    holders = list(db.session.scalars(query))
    named = [told(viewer, other) for other in holders]
    if used > len(holders):
        named.append(f"{used - len(holders)} more")
    raised = Remedy("raise_limit", key, f"The limit {key} is raised to {used + 1}.", used + 1.0)
    if used > most:  # it was lowered below what runs: one that ends makes no room
        return tuple(named), (raised,)
    ends = (Remedy("end_job", str(one.id), f"Job {one.id} ends.") for one in holders)
    return tuple(named), (*ends, raised)


def _plugins(job: Job, present: Load) -> Iterator[Holding]:
    """Ask each plugin, not only until the first says no."""
    plugins = current_plugins()
    for plugin in plugins.implementers("st_hold_job"):
        try:
            hold: Hold | None = plugins.call(plugin, "st_hold_job", job=job, load=present)
        except SQLAlchemyError:
            raise
        except Exception as error:
            log.exception("hook st_hold_job of %s failed on job %s", plugin, job.id)
            hold = Hold(f"It cannot be told whether it may start: {type(error).__name__}: {error}")
        title = plugin.replace("_", " ").capitalize()
        if hold is None:
            yield Holding(title, "pass", "does not hold it back")
            continue
        remedies = hold.remedies or (Remedy("wait", plugin, f"This ends: {hold.reason}"),)
        yield Holding(title, "no", hold.reason, (plugin,), remedies)


def _turn(job: Job) -> Holding:
    """Return who is before it in the queue; those are no hold where they cannot start either."""
    place = position(job)
    if place == 0:
        waiting = select(func.count(Job.id)).where(Job.state == JobState.QUEUED)
        text = f"{db.session.scalar(waiting) or 0} wait in the queue it will join"
        return Holding("Its turn", "pass", text)
    if place == 1:
        return Holding("Its turn", "pass", "it is the first in the queue")
    text = f"{place - 1} before it in the queue"
    return Holding("Its turn", "wait", text, (f"priority {job.effective_priority}",))


def _last_said(job: Job, found: list[Holding]) -> Iterator[Holding]:
    """Yield what the dispatcher found at its last look, unless a gate says the same: that it keeps
    room for one before it, or that a plugin would not have it after all."""
    reason = job.hold_reason
    if reason and job.state is JobState.QUEUED and all(reason != one.text for one in found):
        remedy = Remedy("wait", "dispatch", f"This ends: {reason}")
        yield Holding("At its last look", "no", reason, ("the dispatcher",), (remedy,))


def told(viewer: Viewer, job: Job) -> str:
    """Return what a viewer may know of another job: number and name where they may see it."""
    return f"job {job.id} ({job.name})" if jobs.sees(viewer, job) else "another job"


def told_remedy(viewer: Viewer, remedy: Remedy) -> Remedy:
    """Return a remedy as a viewer may know it: a job they may not see has no number."""
    if remedy.kind not in ("end_job", "complete_job"):
        return remedy
    other = db.session.get(Job, int(remedy.subject)) if remedy.subject.isdecimal() else None
    if other is None or jobs.sees(viewer, other):
        return remedy
    return Remedy(remedy.kind, "", f"Another job {_ENDS[remedy.kind]}.")
