"""Live events: one reader per process follows the journal and hands new rows to every listener from
memory.

Journal events carry their number, so a listener that comes back with it misses nothing and sees
nothing twice. Progress is state, not history: its messages carry no number and are only the newest
figures.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator
from datetime import datetime

from flask import Flask, current_app
from sqlalchemy import select

from ..clock import iso, now
from ..contracts import Viewer
from ..db import db
from ..errors import Unavailable
from ..models import Attempt, Event, Job
from . import events, jobs, policy, settings
from .listeners import DOUBT, Doubt, Following, Listener, Message
from .tasks import ThreadRunner

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
JOIN_SECONDS = 5.0


class Feed:
    """Follows the journal in one thread while anybody listens."""

    def __init__(self, app: Flask, runner: ThreadRunner) -> None:
        self._app, self._runner = app, runner
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None
        self.last = 0
        self._generation = -1
        self._progress_seen: datetime | None = None
        runner.listen("journal", self._bell.set)
        runner.listen("progress", self._bell.set)

    @property
    def stopping(self) -> threading.Event:
        """Return the flag that ends every stream."""
        return self._runner.stopping

    def count(self) -> int:
        """Return how many streams are open."""
        return len(self._listeners)

    def open(self, viewer: Viewer, most: int) -> Listener:
        """Add a listener. Raises Unavailable when `most` are open already."""
        listener = Listener(viewer)
        with self._lock:
            if len(self._listeners) >= most:
                raise Unavailable(
                    f"all {most} event streams of this process are in use; ask again soon",
                    headers={"Retry-After": "5"},
                )
            if self._thread is None:
                self.last, self._progress_seen = events.head(), now()
                self._thread = threading.Thread(target=self._follow, name="event feed", daemon=True)
                self._thread.start()
            self._listeners.add(listener)
        return listener

    def close(self, listener: Listener) -> None:
        """Remove a listener."""
        with self._lock:
            self._listeners.discard(listener)

    def join(self) -> None:
        """Return when the reading thread has ended; the runner must be stopping."""
        self._bell.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def _follow(self) -> None:
        """Read new rows whenever the bell rings, and every second in case another process wrote
        them."""
        while not self.stopping.is_set():
            self._bell.wait(LOOK_SECONDS)
            self._bell.clear()
            if self.stopping.is_set():  # rung to end: the database may be gone in a moment
                break
            try:
                with self._app.app_context():
                    self._look()
            except Exception:
                log.exception("the event feed failed to read the journal; it tries again")
        for listener in list(self._listeners):
            listener.bell.set()

    def _doubt(self) -> None:
        """Let every stream ask whether its reader still may listen, when rights have changed.

        Called between reading rows and handing them out: no row reaches a reader whose rights ended
        before it was written.
        """
        generation = policy.memory().present_generation()
        if generation == self._generation:
            return
        self._generation = generation
        with self._lock:
            for listener in self._listeners:
                listener.doubted = True
                listener.bell.set()

    def _look(self) -> None:
        """Hand out what is new."""
        while rows := list(
            db.session.scalars(
                select(Event).where(Event.id > self.last).order_by(Event.id).limit(200)
            )
        ):
            self._doubt()
            for event in rows:
                message = as_message(event)
                with self._lock:
                    self.last = event.id
                    for listener in self._listeners:
                        if events.sees(listener.viewer, event):
                            listener.put(message)
        self._look_at_progress()

    def _look_at_progress(self) -> None:
        """Hand out the newest figures of attempts that moved since the last look."""
        rows = db.session.execute(
            select(Attempt, Job)
            .join(Job, Job.id == Attempt.job_id)
            .where(Attempt.progress_at > self._progress_seen)
            .order_by(Attempt.progress_at)
            .limit(200)
        ).all()
        self._doubt()
        for attempt, job in rows:
            self._progress_seen = attempt.progress_at
            message = Message(
                "training.progress",
                {"job_id": str(job.id), "attempt": attempt.number, "progress": attempt.progress},
            )
            with self._lock:
                for listener in self._listeners:
                    if jobs.sees(listener.viewer, job):
                        listener.put(message)


def as_message(event: Event) -> Message:
    """Return an event as viewers get it. Before and after stay in the journal: they may name
    what only admins see."""
    return Message(
        event.name,
        {
            "id": event.id,
            "type": event.name,
            "severity": event.severity,
            "subject_type": event.subject_type,
            "subject_id": event.subject_id,
            "job_id": str(event.job_id) if event.job_id else None,
            "message": event.message,
            "data": event.data,
            "actor": event.actor_name,
            "timestamp": iso(event.created_at),
        },
        event.id,
    )


def attach(app: Flask, runner: ThreadRunner) -> None:
    """Give the app its feed; called once at boot."""
    app.extensions["st_feed"] = Feed(app, runner)


def feed() -> Feed:
    """Return this process's feed. Raises Unavailable before the server is up."""
    found: Feed | None = current_app.extensions.get("st_feed")
    if found is None:
        raise Unavailable("live events need a running server")
    return found


def follow(viewer: Viewer, last_id: int | None, *, heartbeat_seconds: float = 15.0) -> Following:
    """Give everything after event `last_id` (from now on without one), for ever; None is a
    heartbeat.

    First what the table has, then what comes. A `reset` message says that `last_id` is older than
    the journal or not from it: load the page anew. Raises Unavailable when too many streams are
    open.
    """
    source = feed()
    listener = source.open(viewer, settings.value("server.stream_limit"))
    heard = _messages(source, listener, viewer, last_id, heartbeat_seconds)
    return Following(listener, heard, source.close)


def _messages(
    source: Feed, listener: Listener, viewer: Viewer, last_id: int | None, heartbeat_seconds: float
) -> Generator[Message | Doubt | None]:
    """Give backlog, then live messages."""
    db.session.remove()  # what was committed before we listened is in no older snapshot
    sent = events.head() if last_id is None else last_id
    yield Message("connection", {"last_id": sent, "timestamp": iso(now())})
    head = events.head()
    oldest = events.oldest() or head + 1
    if last_id is not None and not oldest - 1 <= last_id <= head:
        yield Message("reset", {"last_id": head}, head)
        sent = head
    while batch := [as_message(event) for event in events.since(viewer, sent, 200)]:
        db.session.remove()  # a stream must not hold a connection while its reader takes its time
        sent = batch[-1].number or sent
        yield from batch
    db.session.remove()
    yield from _live(source, listener, sent, heartbeat_seconds)


def _live(
    source: Feed, listener: Listener, sent: int, heartbeat_seconds: float
) -> Iterator[Message | Doubt | None]:
    """Give messages from memory as they come, each journal number once and in order."""
    while not source.stopping.is_set():
        rang = listener.bell.wait(heartbeat_seconds)
        listener.bell.clear()
        if listener.lost:
            yield Message("reset", {"last_id": source.last}, source.last)
            return
        while True:
            try:
                message = listener.waiting.popleft()
            except IndexError:
                break
            if message.number is None or message.number > sent:
                sent = max(sent, message.number or 0)
                yield message
        if listener.doubted:
            yield DOUBT
        elif not rang:
            yield None
