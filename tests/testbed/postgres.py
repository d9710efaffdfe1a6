"""A throw-away PostgreSQL cluster: the newest server installed, nothing synced to disk."""

from __future__ import annotations

import signal
from pathlib import Path

import psycopg

from .service import Missing, Service, free_ports

_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "min_wal_size": "32MB",  # little disk: checkpoints come early and, unsynced, cost nothing
    "max_wal_size": "128MB",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "300",  # the races hold 64 threads in each of 4 processes
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL server on this machine.

    Raises Missing when there is none.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parent.parent.name),
    )
    if not found:
        raise Missing("No PostgreSQL server: `apt-get install postgresql`, or `make services`.")
    return found[-1].parent


class Postgres(Service):
    """A cluster on a free port, open to `postgres` without a password on 127.0.0.1."""

    name = "postgres"
    account = "postgres"  # the server refuses to run as root
    stop_signal = signal.SIGINT  # the "fast" shutdown: does not wait for clients

    def start(self) -> None:
        """Make the cluster and start it."""
        where = binaries()
        data = self.folder / "data"
        words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        self.call([where / "initdb", "-D", data, *words, "--no-sync", "--no-instructions"])
        (self.port,) = free_ports(1)
        options = _OPTIONS | {
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self.spawn([where / "postgres", "-D", data, *words])
        self.wait(self._connects)

    @property
    def url(self) -> str:
        """The address of the maintenance database, as SQLAlchemy spells it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def _connects(self) -> bool:
        try:
            psycopg.connect(
                host="127.0.0.1", port=self.port, user="postgres", connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            return False
        return True
