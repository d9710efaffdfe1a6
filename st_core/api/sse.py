"""Server-sent events: how a message looks on the wire, and the headers of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context

from ..errors import Malformed

MEDIA_TYPE = "text/event-stream"


def message(
    data: dict[str, Any] | str, *, name: str | None = None, number: int | None = None
) -> str:
    """Return one message. Without a name browsers call it `message`; a number comes back as Last-
    Event-ID.
    """
    text = data if isinstance(data, str) else json.dumps(data, default=str)
    lines = [f"id: {number}"] if number is not None else []
    lines += [f"event: {name}"] if name else []
    lines += [f"data: {line}" for line in text.split("\n")]
    return "\n".join(lines) + "\n\n"


def response(messages: Iterator[str]) -> Response:
    """Answer with a stream that no proxy holds back (nginx reads X-Accel-Buffering)."""
    answer = Response(stream_with_context(messages), mimetype=MEDIA_TYPE)
    answer.headers["X-Accel-Buffering"] = "no"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def last_id(header: str | None, parameter: str | None) -> int | None:
    """Return where a reader left off: the header of a reconnect is newer than what the URL says.

    Raises Malformed when it is not a number.
    """
    given = header or parameter
    if not given:
        return None
    if not given.isdecimal() or len(given) > 18:
        raise Malformed(f"Last-Event-ID {given!r:.40} is not the number of an event.")
    return int(given)
