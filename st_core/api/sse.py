"""Server-sent events: how a message looks on the wire, and the headers of a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Response, stream_with_context

from ..errors import Malformed
from ..services.listeners import Doubt
from . import guard

MEDIA_TYPE = "text/event-stream"
#: How often a stream asks whether its reader still may listen.
CHECK_SECONDS = 10.0


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


def response(messages: Iterable[Any], write: Callable[[Any], str]) -> Response:
    """Answer with a stream of `messages` that no proxy holds back (nginx reads X-Accel-Buffering).

    It ends when the caller is no longer who they were: signed out, revoked, or of other rights.
    That is asked when the stream says that rights have changed, and every ten seconds for rights
    that end by the clock.
    """
    answer = Response(stream_with_context(_written(messages, write)), mimetype=MEDIA_TYPE)
    answer.call_on_close(getattr(messages, "close", lambda: None))
    answer.headers["X-Accel-Buffering"] = "no"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _written(messages: Iterable[Any], write: Callable[[Any], str]) -> Iterator[str]:
    checked = time.monotonic()
    for item in messages:
        doubted = isinstance(item, Doubt)
        if doubted or time.monotonic() - checked > CHECK_SECONDS:
            checked = time.monotonic()
            if not guard.is_unchanged():
                return
        if not doubted:
            yield write(item)


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
