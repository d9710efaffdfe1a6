"""Who acts just now, for whom, from where and through which door: carried beside the call,
stamped on events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """The doer of what happens next. `door` is page, api, cli, service or plugin; `device` is the
    mark of a browser that has signed in before."""

    name: str = "system"
    user_id: int | None = None
    on_behalf_of_id: int | None = None
    address: str | None = None
    door: str = "service"
    request_id: str | None = None
    user_agent: str | None = None
    device: str | None = None


_current: ContextVar[Actor] = ContextVar("st_actor", default=Actor())  # noqa: B039 - frozen


def current() -> Actor:
    """Return who acts just now; the system itself when nobody was named."""
    return _current.get()


def enter(actor: Actor) -> Token[Actor]:
    """Let everything from here on be done by `actor`; hand what is returned to `leave`."""
    return _current.set(actor)


def leave(entered: Token[Actor]) -> None:
    """Let everything from here on be done by who acted before."""
    _current.reset(entered)


@contextmanager
def acting(actor: Actor) -> Iterator[Actor]:
    """Let everything inside be done by `actor`."""
    entered = enter(actor)
    try:
        yield actor
    finally:
        leave(entered)
