"""Guards that fail a test when the code under it does what no unit of work, or no test, may do.

While guarded, this process connects to loopback only, and opens no connection at all while a unit
of work is open. A breach is refused where it happens, and told again at the end of the test in case
somebody swallowed the refusal.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import has_app_context

from ..db import db, in_unit_of_work


class Breach(AssertionError):
    """Code under test reached for the network where it must not."""


class _Watch:
    """What Python's audit hook consults; the hook itself can never be removed."""

    def __init__(self) -> None:
        self.on = False
        self.hooked = False
        self.breaches: list[str] = []
        self.looking = threading.local()

    def start(self) -> None:
        """Begin to watch, with an empty record."""
        if not self.hooked:
            sys.addaudithook(self._see)
            self.hooked = True
        self.breaches.clear()
        self.on = True

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or event not in _EVENTS or getattr(self.looking, "now", False):
            return
        self.looking.now = True
        try:
            wrong = _what_is_wrong(_EVENTS[event], arguments)
        finally:
            self.looking.now = False
        if wrong:
            self.breaches.append(wrong)
            raise Breach(wrong)


#: audit event → which of its arguments holds the host or address
_EVENTS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}
_watch = _Watch()


@contextmanager
def guarded() -> Iterator[None]:
    """Watch what happens inside. Raises Breach at the end when a refusal was swallowed."""
    _watch.start()
    try:
        yield
    finally:
        _watch.on = False
    if _watch.breaches:
        raise Breach("; ".join(_watch.breaches))


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
