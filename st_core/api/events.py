"""The journal over HTTP: recent facts, and a live stream of them (`/api/events`)."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request

from ..services import events, jobs, streams
from ..services.streams import Message
from . import sse
from .guard import current_viewer
from .routing import SIGNED_IN, Raw, route
from .schemas import events as schemas

blueprint = Blueprint("events", __name__)


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
    return sse.response(_lines(streams.follow(viewer, after), job_id))


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


def _lines(messages: Iterator[Message | None], job_id: str | None) -> Iterator[str]:
    try:
        for message in messages:
            if message is None:
                yield sse.message({}, name="heartbeat")
            elif message.name in ("connection", "reset", "training.progress"):
                if (
                    job_id in (None, message.data.get("job_id"))
                    or message.name != "training.progress"
                ):
                    yield sse.message(message.data, name=message.name, number=message.number)
            elif job_id in (None, message.data["job_id"]):
                yield sse.message(message.data, number=message.number)
    finally:
        messages.close()  # type: ignore[attr-defined] # a generator; closing frees its place
