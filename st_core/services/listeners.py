"""Who follows a stream, what waits to be sent to them, and the doubt that ends it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ..contracts import Viewer

BACKLOG = 1000


@dataclass(frozen=True)
class Message:
    """One thing a stream says: `number` is the journal's (None for progress and notes), `name`
    the event's."""

    name: str
    data: dict[str, Any]
    number: int | None = None


@dataclass(eq=False)
class Listener:
    """One open stream: who listens, and what it has not sent yet. `lost` means it was too slow
    and must reset, `doubted` that rights have changed since the guard let its reader in (or may
    have, before it was opened)."""

    viewer: Viewer
    waiting: deque[Message] = field(default_factory=deque)
    bell: threading.Event = field(default_factory=threading.Event)
    lost: bool = False
    doubted: bool = True

    def put(self, message: Message) -> None:
        """Queue a message; a listener that does not keep up is told to begin anew."""
        if len(self.waiting) >= BACKLOG:
            self.lost = True
        else:
            self.waiting.append(message)
        self.bell.set()


class Doubt:
    """Said by a stream before anything new when rights have changed: whoever sends it on must ask
    whether its reader still may listen."""


DOUBT = Doubt()


class Following:
    """What one listener hears, until it is closed; closing frees its place, begun or not."""

    def __init__(
        self, listener: Listener, heard: Generator[Any], leave: Callable[[Listener], None]
    ) -> None:
        self._listener, self._leave = listener, leave
        self._heard = _doubting(listener, heard)

    def __iter__(self) -> Iterator[Any]:
        """Return itself: it is heard once."""
        return self

    def __next__(self) -> Any:
        """Return what comes next; waits for it."""
        return next(self._heard)

    def close(self) -> None:
        """End it."""
        self._heard.close()
        self._leave(self._listener)


def _doubting(listener: Listener, heard: Generator[Any]) -> Generator[Any]:
    """Give what is heard, with DOUBT before the first thing that may be newer than a change."""
    with closing(heard):
        for message in heard:
            if listener.doubted:
                listener.doubted = False
                yield DOUBT
            if message is not DOUBT:
                yield message
