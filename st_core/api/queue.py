"""The queue over HTTP: `/api/queue`."""

from __future__ import annotations

from flask import Blueprint

from ..errors import Malformed, SetTimeRule
from ..models import JobState
from ..services import jobs, limits, machine, queue, submission
from ..services.submission import Draft
from .guard import current_viewer
from .parsing import idempotency_key
from .rendering import cancelled, queue_entry
from .routing import route
from .schemas import queue as schemas
from .schemas.jobs import Cancelled

blueprint = Blueprint("queue", __name__)
SEE = ("queue.view", "queue.view.all")
#: Where a local submission may ask to run; `auto` and `local` are this machine.
LOCAL_TARGETS = frozenset({"auto", "local"})


@route(
    blueprint,
    "/api/queue",
    permission=SEE,
    summary="What runs and waits, in the order in which it starts",
    query=schemas.QueueQuery,
    answers={200: schemas.QueueList},
)
def list_entries(query: schemas.QueueQuery) -> schemas.QueueList:
    """List own entries, everyone's with `queue.view.all`."""
    viewer = current_viewer()
    words: list[str | None] = [*query.status] or [None]
    states = tuple(
        state for word in words for state in queue.states_for(word, query.include_completed)
    )
    found = queue.entries(viewer, states, limit=query.limit, offset=query.offset)
    pending, running, _ = queue.totals(viewer)
    total, exact = queue.count(viewer, states)
    return schemas.QueueList(
        entries=[queue_entry(entry) for entry in found],
        total=total,
        total_is_exact=exact,
        total_pending=pending,
        total_running=running,
        paused=limits.current()["paused"],
    )


@route(
    blueprint,
    "/api/queue/stats",
    permission="queue.view",
    summary="The queue in numbers",
    answers={200: schemas.QueueStats},
)
def stats() -> schemas.QueueStats:
    """Count what runs and waits, with the limits in force."""
    return schemas.QueueStats(**queue.stats(current_viewer()), local=machine.local_stats())


@route(
    blueprint,
    "/api/queue/me",
    permission=(*SEE, "job.view.own"),
    summary="My part of the queue",
    answers={200: schemas.UserQueue},
)
def mine() -> schemas.UserQueue:
    """List the caller's own waiting and running jobs."""
    return _of_user(current_viewer().user_id)


@route(
    blueprint,
    "/api/queue/user/<int(max=2147483647):user_id>",
    permission="queue.view.all",
    summary="One person's part of the queue",
    answers={200: schemas.UserQueue},
)
def of_user(user_id: int) -> schemas.UserQueue:
    """List somebody's waiting and running jobs."""
    return _of_user(user_id)


@route(
    blueprint,
    "/api/queue/position/<job_id>",
    permission=(*SEE, "job.view.own"),
    summary="Where a job stands",
    answers={200: schemas.Position},
)
def position(job_id: str) -> schemas.Position:
    """Tell a job's place: 1 starts next, 0 does not wait."""
    job = jobs.get(current_viewer(), job_id)
    return schemas.Position(
        job_id=str(job.id),
        position=queue.position(job),
        status=queue.STATUS.get(job.state, job.state.value),
        priority=job.effective_priority,
        queued_at=job.queued_at,
        estimated_wait_seconds=queue.estimated_wait_seconds(job),
    )


@route(
    blueprint,
    "/api/queue/<job_id>/cancel",
    methods=["POST"],
    permission=("queue.cancel.own", "queue.cancel.all"),
    summary="Take a job out of the queue",
    answers={200: Cancelled},
    errors=[409],
)
def cancel(job_id: str) -> Cancelled:
    """Cancel a waiting job; a running one is asked to save and stop."""
    return cancelled(jobs.cancel(current_viewer(), job_id, right="queue.cancel"))


@route(
    blueprint,
    "/api/queue/<job_id>/approve",
    methods=["POST"],
    permission="queue.approve",
    summary="Release a job that waits for approval",
    answers={200: Cancelled},
    errors=[409],
)
def approve(job_id: str) -> Cancelled:
    """Let a waiting job go on into the queue."""
    job = queue.approve(current_viewer(), job_id)
    waits = job.state is JobState.PENDING_APPROVAL
    told = "More people are needed." if waits else "It is in the queue now."
    return Cancelled(job_id=str(job.id), status=job.state.value, message=told)


@route(
    blueprint,
    "/api/queue/<job_id>/reject",
    methods=["POST"],
    permission="queue.approve",
    summary="Reject a job that waits for approval",
    query=schemas.RejectQuery,
    body=schemas.ReasonBody,
    answers={200: Cancelled},
    errors=[409],
)
def reject(job_id: str, query: schemas.RejectQuery, body: schemas.ReasonBody) -> Cancelled:
    """Refuse a waiting job with a reason, in the query or the body."""
    job = queue.reject(current_viewer(), job_id, body.reason or query.reason or "")
    return Cancelled(job_id=str(job.id), status=job.state.value, message="It is rejected.")


@route(
    blueprint,
    "/api/queue/<job_id>/priority",
    methods=["POST"],
    permission=("queue.manage", "job.priority.high"),
    summary="Move a waiting job",
    body=schemas.PriorityBody,
    answers={200: schemas.PriorityAnswer},
    errors=[409],
)
def set_priority(job_id: str, body: schemas.PriorityBody) -> schemas.PriorityAnswer:
    """Override a job's priority, or with null give it its own back."""
    if "priority" not in body.model_fields_set:
        raise Malformed(
            "The body does not fit: priority is missing; send 0 to 50, or null.",
            fields=[{"path": "priority", "message": "missing"}],
        )
    job, before = queue.set_priority(current_viewer(), job_id, body.priority)
    return schemas.PriorityAnswer(
        job_id=str(job.id),
        previous_effective_priority=before,
        new_effective_priority=job.effective_priority,
        priority_override=job.priority_override,
    )


@route(
    blueprint,
    "/api/queue/submit",
    methods=["POST"],
    permission="job.submit",
    summary="Run a stored config on this machine",
    body=schemas.LocalSubmitBody,
    answers={201: schemas.LocalSubmitted, 202: schemas.LocalSubmitted, 200: schemas.LocalSubmitted},
    errors=[400, 404, 409, 429],
)
def submit(body: schemas.LocalSubmitBody) -> tuple[schemas.LocalSubmitted, int]:
    """Admit a job here: 201 in the queue, 202 waits for approval, 200 was admitted before."""
    if body.target not in LOCAL_TARGETS:
        raise SetTimeRule(
            f"target {body.target!r} is not part of this server; use local or auto, "
            "or POST /api/cloud/<provider>/submit."
        )
    draft = Draft(
        config_to_load=body.config_name,
        idempotency_key=idempotency_key(body.idempotency_key),
        for_approval=body.for_approval,
        team_id=body.team_id,
        no_wait=body.no_wait,
        any_gpu=body.any_gpu,
    )
    admission = submission.submit(current_viewer(), draft)
    job = admission.job
    answer = schemas.LocalSubmitted(
        success=True,
        job_id=str(job.id),
        status=queue.STATUS.get(job.state, job.state.value),
        queue_position=admission.position or None,
        requires_approval=job.requires_approval,
        approval_request_id=queue.request_of(job),
        reason=job.hold_reason,
        idempotent_hit=admission.idempotent_hit,
    )
    return answer, 200 if admission.idempotent_hit else 202 if job.requires_approval else 201


def _of_user(user_id: int) -> schemas.UserQueue:
    viewer = current_viewer()
    found = queue.entries(viewer, queue.states_for(None), user_id=user_id, limit=200)
    rows = [queue_entry(entry) for entry in found]
    pending, running, blocked = queue.totals(viewer, user_id)
    places = [row.position for row in rows if row.position]
    return schemas.UserQueue(
        pending_count=pending,
        running_count=running,
        blocked_count=blocked,
        best_position=min(places, default=None),
        pending_jobs=[row for row in rows if row.status == "pending"],
        running_jobs=[row for row in rows if row.status == "running"],
    )
