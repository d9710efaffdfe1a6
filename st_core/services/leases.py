"""Leases: what only one process may do at a time, who does it now, and until when.

A *lease* ends by itself a while after its holder died; while that lives its *keeper* renews it,
however long the work takes. Processes have names that tell where they run, so that another process
of the same machine knows at once when one is no more.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from flask import Flask
from sqlalchemy import delete, or_, select
from sqlalchemy.exc import OperationalError

from ..clock import now
from ..db import db, unit_of_work, upsert
from ..models import Lease

log = logging.getLogger(__name__)
LEASE_SECONDS = 15.0
_name = ""


def process_name() -> str:
    """Return the name of this process, never given again; a forked child has its own."""
    global _name
    if f":{os.getpid()}:" not in _name:
        _name = f"{socket.gethostname()[:40]}:{_place()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    return _name


def _place() -> str:
    """Return what tells machines, their restarts and containers apart; process ids mean nothing
    beyond it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
        return f"{boot}-{os.readlink('/proc/self/ns/pid').strip('pid:[]')}"
    except OSError:  # no Linux: nobody is known to be dead
        return uuid.uuid4().hex[:8]


def is_dead(name: str) -> bool:
    """Tell whether the process of that name is known to be no more; False when we cannot know."""
    here = process_name()
    if name == here or name.split(":")[:2] != here.split(":")[:2]:
        return False
    pid = int(name.split(":")[2])
    try:
        return pid == os.getpid() or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def hold(name: str, seconds: float = LEASE_SECONDS) -> bool:
    """Command: take or renew the lease `name` for this process; tell whether we have it now."""
    me = process_name()
    with unit_of_work():
        moment = now()
        until = moment + timedelta(seconds=seconds)
        ours = (
            upsert(Lease)
            .values(name=name, owner=me, expires_at=until)
            .on_conflict_do_update(
                index_elements=[Lease.name],
                set_={"owner": me, "expires_at": until},
                where=or_(Lease.owner == me, Lease.expires_at <= moment),
            )
        )
        return db.session.execute(ours.returning(Lease.name)).scalar() is not None


def release_all() -> None:
    """Command: hand over every lease of this process at once, so that others need not wait."""
    with unit_of_work():
        db.session.execute(delete(Lease).where(Lease.owner == process_name()))


def bury_the_dead() -> None:
    """Command: end the leases of processes of this machine that are no more."""
    owners = set(db.session.scalars(select(Lease.owner)))
    dead = [owner for owner in owners if is_dead(owner)]
    if dead:
        with unit_of_work():
            db.session.execute(delete(Lease).where(Lease.owner.in_(dead)))


def leases() -> list[dict[str, Any]]:
    """Return who holds which lease, for the system page."""
    rows = db.session.scalars(select(Lease).order_by(Lease.name))
    return [{"name": row.name, "owner": row.owner, "expires_at": row.expires_at} for row in rows]


class Keeper:
    """Renews the leases of this process in a thread of its own, from the first one on.

    The event that `keep` gives is set when the lease was lost, or when the keeper ends: whoever
    works under the lease must stop then.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._kept: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, name: str) -> threading.Event | None:
        """Take or renew a lease and go on renewing it; None when another process has it."""
        if not hold(name):
            self._lose(name)
            return None
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="leases", daemon=True)
                self._thread.start()
            return self._kept.setdefault(name, threading.Event())

    def end(self) -> None:
        """Tell all work under leases to end; they are renewed no more."""
        self._end.set()
        for name in list(self._kept):
            self._lose(name)

    def close(self) -> None:
        """Hand over every lease; their work has ended."""
        self.end()
        if self._thread is not None:
            self._thread.join()
        with self._app.app_context():
            try:
                release_all()
            except OperationalError as error:  # whoever ends must end, also without a database
                log.warning("leases end by themselves, they could not be handed over: %s", error)

    def _follow(self) -> None:
        while not self._end.wait(LEASE_SECONDS / 3):
            try:
                with self._app.app_context():
                    self._renew()
            except Exception:
                log.exception("leases could not be renewed; they are tried again")

    def _renew(self) -> None:
        for name in list(self._kept):
            if not self._end.is_set() and not hold(name):
                log.warning("the lease %s was lost to another process", name)
                self._lose(name)

    def _lose(self, name: str) -> None:
        with self._lock:
            kept = self._kept.pop(name, None)
        if kept is not None:
            kept.set()
