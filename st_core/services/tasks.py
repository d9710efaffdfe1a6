"""Services: work that goes on beside requests, in threads of this process, and the bell that wakes
it.

The database is the letterbox: a wake-up is only a hint, every service looks again by itself after a
pause. What only one process does may be another's work, so `doorbell` carries the hint there. A
*lease* lets an exclusive service run in one process at a time; it ends by itself when its holder
dies.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from flask import Flask, current_app

from ..actor import Actor, acting
from ..contracts import Service
from .doorbell import Doorbell
from .leases import Keeper

log = logging.getLogger(__name__)


def wake(*names: str) -> None:
    """Hint that these services have work; without a running loop nothing happens."""
    runner = current_app.extensions["st"].runner
    if runner is not None:
        for name in names:
            runner.wake(name)


class ThreadRunner:
    """Runs each service in a thread of its own: a provider that hangs stops nothing else."""

    def __init__(self, app: Flask, services: list[Service]) -> None:
        self._app = app
        self._services = {service.name: service for service in services}
        self._everywhere = {service.name for service in services if not service.exclusive}
        self._bells = {name: threading.Event() for name in self._services}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._stop = threading.Event()
        self._keeper = Keeper(app)
        self._doorbell: Doorbell | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start every service, and hear from other processes what they are woken for."""
        shared = {*self._services, *self._listeners} - self._everywhere
        self._doorbell = Doorbell(self._app, self._ring, shared)
        for service in self._services.values():
            thread = threading.Thread(
                target=self._follow, args=(service,), name=f"service {service.name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def listen(self, name: str, ring: Callable[[], None]) -> None:
        """Let `ring` be called on every `wake(name)`, beside the service of that name if there
        is one."""
        self._listeners.setdefault(name, []).append(ring)

    def wake(self, name: str) -> None:
        """Wake the service `name` and whoever listens to that name, in every process.

        A service that runs in each of them is woken here alone: one that does the work is enough.
        """
        self._ring(name)
        if self._doorbell is not None and name not in self._everywhere:
            self._doorbell.ring(name)

    def _ring(self, name: str) -> None:
        """Wake in this process."""
        if bell := self._bells.get(name):
            bell.set()
        for ring in self._listeners.get(name, ()):
            ring()

    @property
    def stopping(self) -> threading.Event:
        """Return the flag that every stream and every service watches."""
        return self._stop

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Stop every service, wait for the running ones, and hand over the leases."""
        self._stop.set()
        self._keeper.end()
        if self._doorbell is not None:
            self._doorbell.close()
        for bell in self._bells.values():
            bell.set()
        for rings in self._listeners.values():
            for ring in rings:
                ring()
        for thread in self._threads:
            thread.join(timeout_seconds)
            if thread.is_alive():
                log.warning("%s did not stop within %.0f s", thread.name, timeout_seconds)
        self._keeper.close()

    def _follow(self, service: Service) -> None:
        """Run one service until the end, whatever single runs do."""
        bell = self._bells[service.name]
        while not self._stop.is_set():
            bell.clear()
            try:
                self._once(service)
            except Exception:
                log.exception(
                    "service %s failed; it runs again in %.0f s",
                    service.name,
                    service.every_seconds,
                )
            self._stop.wait(service.rest_seconds)
            bell.wait(service.every_seconds)

    def _once(self, service: Service) -> None:
        """Run a service one time, in a fresh context, if this process may."""
        with self._app.app_context(), acting(Actor(name=f"service {service.name}", door="service")):
            end: threading.Event | None = self._stop
            if service.exclusive:
                end = self._keeper.keep(f"service {service.name}")
            if end is None:  # another process does it
                return
            if service.forever:
                service.run(end)
            else:
                service.run()
