"""The life of a job: locked, seen, cancelled, deleted, described. `move`, which alone changes its
state, stands in `moves`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from ..clock import now
from ..contracts import Capability, Viewer
from ..db import assert_unit_of_work, db, retried, unit_of_work
from ..errors import Conflict, NotFound, StError
from ..models import Attempt, Job, JobState
from . import events, keyed, permissions, registries, tasks, visibility, workspaces
from .job_fields import describe, duration_seconds, is_local, priority_name, queue_priority
from .moves import move
from .visibility import Reach


def digest(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a config, the same for equal content whatever the order of
    keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def lock(job_id: int) -> Job:
    """Step: return the job, locked until the unit of work ends. Raises NotFound."""
    job = find_locked(job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}", code="job_not_found")
    return job


def find_locked(job_id: int) -> Job | None:
    """Step: return the job, locked until the unit of work ends, or None when it is gone."""
    assert_unit_of_work()
    return db.session.get(Job, job_id, with_for_update=True, populate_existing=True)


# ── who may see and touch what ────────────────────────────────────────────────────────────────────


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the SQL criterion for jobs `viewer` may see: own, the teams', all by permission.

    With organisations a lead's view of all ends at the own one; `sees` is the same in Python.
    """
    return within(visibility.of(viewer))


def visible_parts(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Return the same criterion in parts of which one is enough, each found by an index."""
    return visibility.of(viewer).parts(Job.user_id, Job.team_id, Job.org_id)


def within(reach: Reach) -> ColumnElement[bool]:
    """Return the SQL criterion for the jobs of a reach."""
    return reach.criterion(Job.user_id, Job.team_id, Job.org_id)


def sees(viewer: Viewer, job: Job) -> bool:
    """Tell whether `viewer` may see `job`."""
    return visibility.of(viewer).covers(job.user_id, job.team_id, job.org_id)


def is_near(viewer: Viewer, job: Job) -> bool:
    """Tell whether the job is the viewer's own or one of the viewer's teams'."""
    return job.user_id == viewer.user_id or (
        job.team_id is not None and job.team_id in viewer.team_ids
    )


def get(viewer: Viewer, job_id: int | str) -> Job:
    """Return one job. Raises NotFound when there is none or the viewer may not know of it."""
    job = None
    if str(job_id).isdecimal() and int(job_id) < 2**63:
        job = db.session.scalar(select(Job).where(Job.id == int(job_id), visible_to(viewer)))
    if job is None:
        raise NotFound(f"there is no job {job_id!s:.40} that you can see", code="job_not_found")
    return job


def may_on(viewer: Viewer, job: Job, right: str) -> bool:
    """Tell whether the viewer may `right` (`job.cancel`) on a job they see: `.own` for own ones,
    `.all` for others'."""
    own = job.user_id == viewer.user_id and viewer.may(f"{right}.own")
    return own or viewer.may(f"{right}.all")


def require_on(viewer: Viewer, job: Job, right: str) -> None:
    """Pass when the viewer may `right` on a job they see. Raises NotAllowed."""
    if not may_on(viewer, job, right):
        permissions.require(viewer, f"{right}.all")


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


@retried
def cancel(viewer: Viewer, job_id: int | str, *, right: str = "job.cancel") -> Job:
    """Command: end a job. One that waits is cancelled at once; a running one is asked to save and
    stop.

    Raises NotFound, NotAllowed, or Conflict when it has ended already.
    """
    seen = get(viewer, job_id)
    require_on(viewer, seen, right)
    number = seen.id  # it may be gone once the unit of work looks again
    with unit_of_work(gate="dispatch"):
        job = lock(number)
        if job.state.is_final:
            raise Conflict(f"job {job.id} is {job.state.value} already", code="invalid_job_state")
        if job.state.is_active:
            _ask_to_end(job)
        else:
            move(
                job, JobState.CANCELLED, message=f"cancelled by {viewer.username} before it started"
            )
    tasks.wake("watch")
    return job


def _ask_to_end(job: Job) -> None:
    """Step: note that a running job shall end; the watcher tells the provider."""
    if job.cancel_requested_at is not None:
        return
    job.cancel_requested_at = now()
    attempt = current_attempt(job)
    # A start that is under way is left alone: once recorded, it is looked at and ended at once.
    if attempt is not None and attempt.provider_state is not None:
        attempt.next_poll_at = now()
    events.emit("job.cancel_requested", job=job)


def cancel_many(viewer: Viewer, job_ids: Sequence[int | str]) -> list[dict[str, Any]]:
    """Cancel several jobs one by one; return what became of each."""
    results = []
    for job_id in job_ids:
        try:
            job = cancel(viewer, job_id)
        except StError as error:
            results.append({"job_id": str(job_id), "success": False, "error": error.detail})
        else:
            results.append({"job_id": str(job.id), "success": True, "error": None})
    return results


def delete(viewer: Viewer, job_id: int | str) -> None:
    """Command: delete an ended job's record and its workspace.

    Raises Conflict while it has not ended, NotAllowed without `job.delete.own` or `.all`.
    """
    seen = get(viewer, job_id)
    require_on(viewer, seen, "job.delete")
    number = seen.id
    with unit_of_work(gate="dispatch"):
        job = lock(number)
        if not job.state.is_final:
            raise Conflict(
                f"job {job.id} is {job.state.value}; cancel it before deleting it",
                code="invalid_job_state",
            )
        folder = workspaces.of(job)
        events.emit("job.deleted", job=job, before={"name": job.name, "status": job.state.value})
        db.session.delete(job)
    workspaces.remove(folder)


def save_checkpoint(viewer: Viewer, job_id: int | str) -> Job:
    """Ask a running job's trainer for a checkpoint now. Raises Conflict when it cannot be asked."""
    job = get(viewer, job_id)
    require_on(viewer, job, "job.cancel")
    attempt = current_attempt(job)
    provider = registries.provider(job.provider)
    if Capability.CHECKPOINT not in provider.capabilities:
        raise Conflict(f"{provider.title} cannot save a checkpoint on request")
    if job.state is not JobState.RUNNING or attempt is None or attempt.provider_state is None:
        raise Conflict(f"job {job.id} is {job.state.value}, not running", code="invalid_job_state")
    keyed.for_job(job).checkpoint(attempt.provider_state)
    return job


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def current_attempt(job: Job) -> Attempt | None:
    """Return the newest attempt of a job, None before its first start."""
    return db.session.scalar(
        select(Attempt).where(Attempt.job_id == job.id, Attempt.number == job.attempt)
    )


__all__ = [
    "cancel",
    "cancel_many",
    "current_attempt",
    "delete",
    "describe",
    "digest",
    "duration_seconds",
    "get",
    "is_local",
    "is_near",
    "lock",
    "may_on",
    "move",
    "priority_name",
    "queue_priority",
    "require_on",
    "save_checkpoint",
    "sees",
    "visible_parts",
    "visible_to",
    "within",
]
