"""Guards that fail a test when the code under it does what no unit of work, or no test, may do.

While guarded, this process connects to loopback only, opens no connection at all while a unit of
work is open, commits only at the end of one, and emits an event whenever a watched row changes
(`untold`). A breach is refused where it happens, and told
again at the end of the test in case somebody swallowed the refusal.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy.event
from flask import has_app_context
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ..db import db, in_unit_of_work
from . import untold


class Breach(AssertionError):
    """Code under test reached for the network where it must not."""


class _Watch:
    """What the hooks of Python and SQLAlchemy consult; an audit hook can never be removed.

    Each `with guarded()` keeps a record of its own; a breach is entered in the innermost.
    """

    def __init__(self) -> None:
        self.hooked = False
        self.records: list[list[str]] = []
        self.looking = threading.local()

    def hook(self) -> None:
        """Begin to listen, once per process."""
        if not self.hooked:
            sys.addaudithook(self._see)
            sqlalchemy.event.listen(Session, "before_commit", self._commits)
            sqlalchemy.event.listen(Engine, "begin", untold.begin)
            sqlalchemy.event.listen(Engine, "before_cursor_execute", untold.note)
            self.hooked = True

    def refuse(self, wrong: str) -> None:
        """Note a breach and raise it."""
        self.records[-1].append(wrong)
        raise Breach(wrong)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.records or event not in _EVENTS or getattr(self.looking, "now", False):
            return
        self.looking.now = True
        try:
            wrong = _what_is_wrong(_EVENTS[event], arguments)
        finally:
            self.looking.now = False
        if wrong:
            self.refuse(wrong)

    def _commits(self, session: Session) -> None:
        if not self.records:
            return
        if (who := _committer()) != "st_core.db":
            self.refuse(f"{who} called commit(); only a unit of work commits")
        if session.in_nested_transaction():
            return  # a savepoint: the events come at the end
        if wrong := untold.untold(session.info):
            self.refuse(wrong)


#: audit event → which of its arguments holds the host or address
_EVENTS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}
_watch = _Watch()


@contextmanager
def guarded() -> Iterator[None]:
    """Watch what happens inside. Raises Breach at the end when a refusal was swallowed."""
    _watch.hook()
    record: list[str] = []
    _watch.records.append(record)
    try:
        yield
    finally:
        _watch.records.pop()
    if record:
        raise Breach("; ".join(record))


def _committer() -> str:
    """Return the module whose code called `commit`, outside SQLAlchemy."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".")[0] not in ("sqlalchemy", "flask_sqlalchemy", "contextlib"):
            return module
        frame = frame.f_back
    return "somebody"


def _what_is_wrong(position: int, arguments: tuple[Any, ...]) -> str:
    target = arguments[position]
    if has_app_context() and db.session.registry.has() and in_unit_of_work():
        return f"a connection to {target!r} was opened inside a unit of work"
    host = target[0] if isinstance(target, tuple) else target if position == 0 else None
    if host is None or _is_loopback(host):
        return ""
    return f"a test reached for the network: {target!r}"


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
