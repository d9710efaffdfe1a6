"""Services: work that goes on beside requests, in threads of this process, and the bell that wakes
it.

The database is the letterbox: a wake-up is only a hint, every service looks again by itself after a
pause. A *lease* lets an exclusive service run in one process at a time; it ends by itself when its
holder dies.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import delete, or_, select

from ..actor import Actor, acting
from ..clock import now
from ..contracts import Service
from ..db import db, unit_of_work, upsert
from ..models import Lease

log = logging.getLogger(__name__)

#: Names this process; unique also after a restart with the same pid.
PROCESS = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
LEASE_SECONDS = 15.0


def process_name() -> str:
    """Return the name of this process; a forked child has its own."""
    global PROCESS
    if f":{os.getpid()}:" not in PROCESS:
        PROCESS = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    return PROCESS


def wake(*names: str) -> None:
    """Hint that these services have work; without a running loop nothing happens."""
    runner = current_app.extensions["st"].runner
    if runner is not None:
        for name in names:
            runner.wake(name)


def hold_lease(name: str, seconds: float = LEASE_SECONDS) -> bool:
    """Take or renew the lease `name` for this process; tell whether we have it now."""
    me, moment = process_name(), now()
    row = {"name": name, "owner": me, "expires_at": moment + timedelta(seconds=seconds)}
    with unit_of_work():
        ours = (
            upsert(Lease)
            .values(row)
            .on_conflict_do_update(
                index_elements=[Lease.name],
                set_={"owner": row["owner"], "expires_at": row["expires_at"]},
                where=or_(Lease.owner == me, Lease.expires_at <= moment),
            )
        )
        return db.session.execute(ours.returning(Lease.name)).scalar() is not None


def release_leases() -> None:
    """Hand over every lease of this process at once, so that others need not wait for their end."""
    with unit_of_work():
        db.session.execute(delete(Lease).where(Lease.owner == process_name()))


class ThreadRunner:
    """Runs each service in a thread of its own: a provider that hangs stops nothing else."""

    def __init__(self, app: Flask, services: list[Service]) -> None:
        self._app = app
        self._services = {service.name: service for service in services}
        self._bells = {name: threading.Event() for name in self._services}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start every service."""
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
        """Wake the service `name` and whoever listens to that name."""
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
        for bell in self._bells.values():
            bell.set()
        for rings in self._listeners.values():
            for ring in rings:
                ring()
        for thread in self._threads:
            thread.join(timeout_seconds)
            if thread.is_alive():
                log.warning("%s did not stop within %.0f s", thread.name, timeout_seconds)
        with self._app.app_context():
            release_leases()

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
            bell.wait(service.every_seconds)

    def _once(self, service: Service) -> None:
        """Run a service one time, in a fresh context, if this process may."""
        with self._app.app_context(), acting(Actor(name=f"service {service.name}", door="service")):
            if service.exclusive and not hold_lease(
                f"service {service.name}", max(LEASE_SECONDS, service.every_seconds * 2)
            ):
                return
            if service.forever:
                service.run(self._stop)
            else:
                service.run()


def leases() -> list[dict[str, Any]]:
    """Return who holds which lease, for the system page."""
    rows = db.session.scalars(select(Lease).order_by(Lease.name))
    return [{"name": row.name, "owner": row.owner, "expires_at": row.expires_at} for row in rows]


__all__ = ["ThreadRunner", "hold_lease", "leases", "process_name", "release_leases", "wake"]
