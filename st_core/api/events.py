"""The journal over HTTP: recent facts, and a live stream of them (`/api/events`)."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..services import events, jobs, streams
from ..services.listeners import Message
from . import sse
from .guard import current_viewer
from .routing import SIGNED_IN, Raw, route
from .schemas import events as schemas

blueprint = Blueprint("events", __name__)
#: Messages that are no facts of the journal; browsers listen to them by name.
NAMED = frozenset({"connection", "reset", "training.progress"})


@route(
    blueprint,
    ["/api/events", "/api/events/stream"],
    permission=SIGNED_IN,
    summary="Facts as they happen",
    query=schemas.StreamQuery,
    answers={
        200: Raw(sse.MEDIA_TYPE, "Facts as unnamed messages whose id is the journal's number")
    },
    errors=[404, 503],
)
def stream(query: schemas.StreamQuery) -> Response:
    """Stream what the caller may see, from `Last-Event-ID` on without a gap or a double.

    Facts come as unnamed messages with their number as id; `training.progress` carries no id;
    `reset` says that the id is unknown here and the page must be loaded anew; `heartbeat` comes
    every 15 s.
    """
    viewer = current_viewer()
    job_id = str(jobs.get(viewer, query.job_id).id) if query.job_id else None
    after = sse.last_id(request.headers.get("Last-Event-ID"), query.last_event_id)
    return sse.response(streams.follow(viewer, after), lambda one: _written(one, job_id))


@route(
    blueprint,
    "/api/events/recent",
    permission=SIGNED_IN,
    summary="The newest facts",
    query=schemas.RecentQuery,
    answers={200: schemas.Events},
    errors=[404],
)
def recent(query: schemas.RecentQuery) -> schemas.Events:
    """List facts the caller may see: the newest first, or after a number the oldest first."""
    viewer = current_viewer()
    job_id = jobs.get(viewer, query.job_id).id if query.job_id else None
    if query.after is None:
        found = events.recent(viewer, query.limit, job_id=job_id)
    else:
        found = events.since(viewer, query.after, query.limit, job_id=job_id)
    full = query.after is not None and len(found) == query.limit
    return schemas.Events(
        events=[schemas.Event.model_validate(streams.as_message(event).data) for event in found],
        next=str(found[-1].id) if full else None,
        total=len(found),
        total_is_exact=len(found) < query.limit,
        head=events.head(),
    )


def _written(message: Message | None, job_id: str | None) -> str:
    """Return a message as it is sent; nothing for one of another job."""
    if message is None:
        return sse.message({}, name="heartbeat")
    named = message.name in NAMED
    about_a_job = not named or message.name == "training.progress"
    if about_a_job and job_id not in (None, message.data["job_id"]):
        return ""
    return sse.message(message.data, name=message.name if named else None, number=message.number)
