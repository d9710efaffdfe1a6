"""The threads that answer requests: started when they are needed, and the last one idle goes first.

waitress's own dispatcher starts all threads at once and wakes the one that has slept longest. With
hundreds of them (each live stream holds one) every request would then run in a cold thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Protocol

log = logging.getLogger(__name__)


class Task(Protocol):
    """What waitress hands over: a connection with a request to answer."""

    def service(self) -> None:
        """Answer the request."""

    def cancel(self) -> None:
        """Give the request up."""


class _Worker:
    """One thread: the task it is to do next, and the bell that wakes it."""

    def __init__(self, task: Task) -> None:
        self.task: Task | None = task
        self.bell = threading.Semaphore(0)


class RequestThreads:
    """At most `most` threads for waitress's tasks, in the place of its own dispatcher."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._gone = threading.Condition(self._lock)
        self._waiting: deque[Task] = deque()
        self._idle: list[_Worker] = []
        self._count = 0
        self._ending = False

    def add_task(self, task: Task) -> None:
        """Let a thread do `task`: the last idle one, a new one, or the first to become free."""
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.task = task
                worker.bell.release()
            elif self._count < self._most:
                self._count += 1
                worker = _Worker(task)
                name = f"request {self._count}"
                threading.Thread(target=self._work, args=(worker,), name=name, daemon=True).start()
            else:
                self._waiting.append(task)
                log.warning("%d requests wait for a thread", len(self._waiting))

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5.0) -> bool:
        """End idle threads, and wait at most `timeout` seconds for busy ones; tell whether all
        ended."""
        until = time.monotonic() + timeout
        with self._lock:
            self._ending = True
            for worker in self._idle:
                worker.bell.release()
            self._idle.clear()
            while cancel_pending and self._waiting:
                self._waiting.popleft().cancel()
            while self._count and time.monotonic() < until:
                self._gone.wait(0.1)
            return self._count == 0

    def _work(self, worker: _Worker) -> None:
        """Do one task after the other until the end."""
        while (task := worker.task) is not None:
            try:
                task.service()
            except Exception:
                log.exception("answering %r failed", task)
            self._next(worker)
        with self._lock:
            self._count -= 1
            self._gone.notify_all()

    def _next(self, worker: _Worker) -> None:
        """Give `worker` its next task, waiting for one if need be; None at the end."""
        with self._lock:
            worker.task = self._waiting.popleft() if self._waiting else None
            if worker.task is not None or self._ending:
                return
            self._idle.append(worker)
        worker.bell.acquire()
