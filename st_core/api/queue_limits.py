"""The queue's limits over HTTP, and its switches: pause, resume, look now, clean up."""

from __future__ import annotations

from flask import Blueprint

from ..services import dispatcher, job_list, limits, queue, retention
from .guard import current_viewer
from .routing import route
from .schemas import queue as schemas

blueprint = Blueprint("queue_limits", __name__)


@route(
    blueprint,
    "/api/queue/concurrency",
    permission="queue.view",
    summary="The limits in force",
    tags=["queue"],
    answers={200: schemas.Concurrency},
)
def concurrency() -> schemas.Concurrency:
    """Tell how many jobs may run at the same time."""
    return schemas.Concurrency.model_validate(limits.current())


@route(
    blueprint,
    "/api/queue/concurrency",
    methods=["POST", "PUT", "PATCH"],
    permission="queue.manage",
    summary="Change the limits",
    body=schemas.ConcurrencyBody,
    tags=["queue"],
    answers={200: schemas.Concurrency},
    errors=[400],
)
def set_concurrency(body: schemas.ConcurrencyBody) -> schemas.Concurrency:
    """Store new limits; they hold from the next decision on, on every process."""
    given = body.model_dump(exclude_unset=True)
    return schemas.Concurrency.model_validate(limits.change(current_viewer(), given))


@route(
    blueprint,
    "/api/queue/pause",
    methods=["POST"],
    permission="queue.manage",
    summary="Start nothing new",
    tags=["queue"],
    answers={200: schemas.Paused},
    errors=[400],
)
def pause() -> schemas.Paused:
    """Stop starting jobs; what runs goes on."""
    queue.pause(current_viewer())
    return schemas.Paused(paused=True)


@route(
    blueprint,
    "/api/queue/resume",
    methods=["POST"],
    permission="queue.manage",
    summary="Let the queue go on",
    tags=["queue"],
    answers={200: schemas.Paused},
    errors=[400],
)
def resume() -> schemas.Paused:
    """Start jobs again."""
    queue.pause(current_viewer(), False)
    return schemas.Paused(paused=False)


@route(
    blueprint,
    "/api/queue/process",
    methods=["POST"],
    permission="queue.manage",
    summary="Look at the queue now",
    tags=["queue"],
    answers={200: schemas.Processed},
)
def process() -> schemas.Processed:
    """Start what may start, without waiting for the dispatcher's own look; tell those the caller
    may see."""
    started = job_list.seen_among(current_viewer(), dispatcher.process_now())
    return schemas.Processed(dispatched=len(started), job_ids=[str(job_id) for job_id in started])


@route(
    blueprint,
    "/api/queue/cleanup",
    methods=["POST"],
    permission="queue.manage",
    summary="Delete jobs that ended long ago",
    query=schemas.CleanupQuery,
    tags=["queue"],
    answers={200: schemas.Cleaned},
)
def cleanup(query: schemas.CleanupQuery) -> schemas.Cleaned:
    """Delete records and files of jobs that ended over `days` ago, never of one that has not."""
    return schemas.Cleaned(deleted=retention.delete_ended(query.days, current_viewer()))
