"""The doorbell between processes: what one process is woken for, the others are woken for too.

The table is the letterbox, this is only the bell: a ring that is lost costs the time until the next
look, never work. On PostgreSQL it is LISTEN and NOTIFY; on SQLite, whose processes share a machine,
each process has a named pipe in a folder beside the database file.

Words: a *line* is this process's end of the bell; it breaks and is laid anew.
"""

from __future__ import annotations

import errno
import logging
import os
import selectors
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol, cast

import psycopg
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ..db import db

log = logging.getLogger(__name__)
CHANNEL = "simpletuner_doorbell"
#: How long a line may be silent before it is tried: a connection may be gone without a word.
QUIET_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0
JOIN_SECONDS = 5.0


class Line(Protocol):
    """One process's end of the bell."""

    def fileno(self) -> int:
        """Return what becomes readable when somebody rings."""

    def send(self, names: Iterable[str]) -> None:
        """Ring at every other process."""

    def hear(self) -> list[str]:
        """Return what others rang for, without waiting."""

    def test(self) -> None:
        """Raise an error when the line is broken."""

    def close(self) -> None:
        """Take the line down."""


class Notices:
    """A connection to PostgreSQL that listens, and notifies."""

    def __init__(self) -> None:
        self._held = db.engine.raw_connection()  # lets go of the connection when it is forgotten
        self._connection = cast("psycopg.Connection[Any]", self._held.driver_connection)
        self._held.detach()
        self._connection.autocommit = True
        self._connection.execute(f"LISTEN {CHANNEL}")

    def fileno(self) -> int:
        """Return the connection's socket."""
        return self._connection.fileno()

    def send(self, names: Iterable[str]) -> None:
        """Ring; the database tells every listener, us too."""
        self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, " ".join(names)))

    def hear(self) -> list[str]:
        """Return what others rang for."""
        me = self._connection.info.backend_pid
        rings = [each for each in self._connection.notifies(timeout=0) if each.pid != me]
        return [name for each in rings for name in each.payload.split()]

    def test(self) -> None:
        """Ask the database anything."""
        self._connection.execute("SELECT 1")

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


class Pipes:
    """One named pipe for each process; whose reader is gone is removed by whoever finds it."""

    def __init__(self, database: Path) -> None:
        self._folder = database.with_name(f"{database.name}-bells")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._path = self._folder / f"{os.getpid()}-{os.urandom(4).hex()}.bell"
        # Under its name only once somebody reads it, or it would be taken for a dead one's.
        hidden = self._path.with_suffix(".new")
        os.mkfifo(hidden, 0o600)
        self._fd = os.open(hidden, os.O_RDWR | os.O_NONBLOCK)
        hidden.rename(self._path)

    def fileno(self) -> int:
        """Return our pipe."""
        return self._fd

    def send(self, names: Iterable[str]) -> None:
        """Write into every other pipe; a full one has enough to tell."""
        told = "".join(f"{name}\n" for name in names).encode()
        for path in self._folder.glob("*.bell"):
            if path != self._path:
                _write(path, told)

    def hear(self) -> list[str]:
        """Return what others wrote."""
        try:
            return os.read(self._fd, 65536).decode("ascii", "replace").split()
        except BlockingIOError:
            return []

    def test(self) -> None:
        """Raise FileNotFoundError when somebody removed our pipe."""
        self._path.stat()

    def close(self) -> None:
        """Remove our pipe."""
        os.close(self._fd)
        self._path.unlink(missing_ok=True)


def _write(path: Path, told: bytes) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nobody reads it any more
            path.unlink(missing_ok=True)
        return
    with suppress(OSError):
        os.write(fd, told)
    os.close(fd)


def _lay() -> Line | None:
    """Return a line for the current app's database; None for one that no other process can see."""
    url = db.engine.url
    if url.get_backend_name() == "postgresql":
        return Notices()
    if url.database in (None, "", ":memory:"):
        return None
    return Pipes(Path(str(url.database)).absolute())


class Doorbell:
    """Rings at other processes and hears them, in a thread of its own."""

    def __init__(self, app: Flask, heard: Callable[[str], None], known: Iterable[str]) -> None:
        """`heard` is called for each name that another process rang for; for all that are `known`
        when the line was laid anew, because nobody knows what was missed.
        """
        self._app, self._heard, self._known = app, heard, tuple(known)
        self._stop = threading.Event()
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._waker, self._woken = os.pipe()
        for fd in (self._waker, self._woken):
            os.set_blocking(fd, False)
        self._thread = threading.Thread(target=self._follow, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, name: str) -> None:
        """Ring at the other processes for `name`, soon; rings that come together are one."""
        with self._lock:
            if not self._stop.is_set():
                self._names.add(name)
                self._wake()

    def close(self) -> None:
        """End the thread; closing twice does nothing more."""
        with self._lock:
            if self._stop.is_set():
                return
            self._stop.set()
            self._wake()
        self._thread.join(JOIN_SECONDS)
        os.close(self._woken)
        os.close(self._waker)

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it is awake already
            os.write(self._woken, b"!")

    def _follow(self) -> None:
        """Keep a line up until the end; where none can be laid, others find out by looking."""
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                with self._app.app_context():
                    line = _lay()
                if line is None:
                    return
                with closing(line):
                    if pause:
                        log.info("the doorbell between processes rings again")
                        for name in self._known:
                            self._heard(name)
                    pause = 0.0
                    self._serve(line)
            except (OSError, psycopg.Error, SQLAlchemyError) as error:
                if not pause:
                    told = " ".join(str(error).split())
                    log.warning("the doorbell between processes is silent, they look: %s", told)
                pause = min(max(1.0, pause * 2), LONGEST_PAUSE_SECONDS)

    def _serve(self, line: Line) -> None:
        """Carry rings both ways until the end. Raises what breaks the line."""
        with selectors.DefaultSelector() as ears:
            ears.register(self._waker, selectors.EVENT_READ)
            ears.register(line.fileno(), selectors.EVENT_READ)
            while not self._stop.is_set():
                ready = {key.fd for key, _ in ears.select(QUIET_SECONDS)}
                if not ready:
                    line.test()
                if self._waker in ready and (names := self._taken()):
                    line.send(names)
                for name in dict.fromkeys(line.hear()):  # sending may have brought some in
                    self._heard(name)

    def _taken(self) -> list[str]:
        """Return what is to be rung for now."""
        os.read(self._waker, 65536)
        with self._lock:
            names, self._names = sorted(self._names), set()
        return names
