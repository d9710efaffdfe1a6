"""Control of the queue: priorities, releasing or refusing what waits for a person, pausing."""

from __future__ import annotations

from ..contracts import Viewer
from ..db import unit_of_work
from ..errors import Conflict, Malformed
from ..models import Job, JobState
from . import admission, events, jobs, limits, permissions, registries, settings, tasks


def set_priority(viewer: Viewer, job_id: int | str, priority: int | None) -> tuple[Job, int]:
    """Command: override a waiting job's priority (0 to 50), or give it its own back with None.

    Returns the job and its effective priority before. Raises NotAllowed, Conflict when it does not
    wait.
    """
    if priority is not None and not 0 <= priority <= 50:
        raise Malformed(
            f"priority {priority} is not between 0 and 50",
            fields=[{"path": "priority", "message": "0 to 50"}],
        )
    seen = jobs.get(viewer, job_id)
    near = jobs.is_near(viewer, seen)
    limits.require_priority(viewer, priority if priority is not None else 0, own=near)
    number = seen.id  # it may be gone once the unit of work looks again
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(number)
        if job.state not in (JobState.QUEUED, JobState.PENDING_APPROVAL):
            raise Conflict(
                f"job {job.id} is {job.state.value}; only a waiting job has a priority to change",
                code="invalid_job_state",
            )
        old = job.effective_priority
        job.priority_override = priority
        job.effective_priority = job.priority if priority is None else priority
        events.emit(
            "job.priority_changed",
            job=job,
            before={"effective_priority": old},
            after={"effective_priority": job.effective_priority},
        )
    tasks.wake("dispatch")
    return job, old


def approve(viewer: Viewer, job_id: int | str) -> Job:
    """Command: release a job that waits for approval into the queue.

    Raises NotAllowed without `queue.approve`, Conflict when it does not wait for approval.
    """
    permissions.require(viewer, "queue.approve")
    number = jobs.get(viewer, job_id).id
    if (desk := registries.approval_desk()) is not None:
        desk.grant(viewer, number)
        return jobs.get(viewer, number)
    with unit_of_work(gate="dispatch"):
        job = _waiting_for_approval(number)
        job.approved_digest = admission.digest(job)
        events.emit("job.approved", job=job, message=f"released by {viewer.username}")
        jobs.move(job, JobState.QUEUED)
    tasks.wake("dispatch")
    return job


def reject(viewer: Viewer, job_id: int | str, reason: str) -> Job:
    """Command: refuse a job that waits for approval; it is cancelled with the reason.

    Raises NotAllowed without `queue.approve`, Malformed without a reason, Conflict in another
    state.
    """
    permissions.require(viewer, "queue.approve")
    if not reason.strip():
        raise Malformed(
            "a rejection needs a reason", fields=[{"path": "reason", "message": "missing"}]
        )
    number = jobs.get(viewer, job_id).id
    if (desk := registries.approval_desk()) is not None:
        desk.refuse(viewer, number, reason)
        return jobs.get(viewer, number)
    with unit_of_work(gate="dispatch"):
        job = _waiting_for_approval(number)
        events.emit("job.rejected", job=job, message=reason, data={"reason": reason})
        jobs.move(job, JobState.CANCELLED, message=f"rejected by {viewer.username}: {reason}")
        job.error_message = f"Rejected by {viewer.username}: {reason}"
    return job


def request_of(job: Job) -> int | None:
    """Return the number of a waiting job's approval request, None where no plugin keeps them."""
    desk = registries.approval_desk()
    waits = job.state is JobState.PENDING_APPROVAL
    return desk.request_of(job.id) if desk is not None and waits else None


def _waiting_for_approval(job_id: int) -> Job:
    """Step: return the locked job. Raises Conflict when it does not wait for approval."""
    job = jobs.lock(job_id)
    if job.state is not JobState.PENDING_APPROVAL:
        raise Conflict(
            f"job {job.id} is {job.state.value}; it does not wait for approval",
            code="invalid_job_state",
        )
    return job


def pause(viewer: Viewer, paused: bool = True) -> None:
    """Command: start nothing new (what runs goes on), or go on. Raises NotAllowed without
    `queue.manage`."""
    event = "queue.paused" if paused else "queue.resumed"
    settings.change(viewer, {"queue.paused": paused}, permission="queue.manage", event=event)
    tasks.wake("dispatch")
