"""A run: the folder `run/<attempt>` of a workspace, and the lock that decides who may start it.

The lock is a `flock` on `run/<attempt>/lock`. Whoever starts an attempt takes it and hands the open
descriptor to the shepherd, which keeps it for life; there is no moment in between. So: *held* means
being started or running, *free* means that nobody supervises this attempt and, once the void mark
is there, that nobody ever will.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

from st_core.errors import ProviderError

from .shepherd import records

VOID = "void"
PROBE_SECONDS = 0.3  # longer than another process's look at the lock takes


class Run:
    """The folder of one attempt."""

    def __init__(self, workspace: Path, key: str) -> None:
        """`key` ends in the attempt's number. Raises ProviderError for any other key."""
        number = key.rpartition("-")[2]
        if not number.isdecimal():
            raise ProviderError(f"{key!r} is no attempt key: it must end in the attempt's number")
        self.workspace = workspace
        self.key = key
        self.folder = workspace / "run" / number

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Run:
        """Return the run that a provider state names."""
        return cls(Path(state["workspace"]), state["key"])

    @property
    def state(self) -> dict[str, Any]:
        """Return all that must be remembered to find this run again."""
        return {"version": 1, "key": self.key, "workspace": str(self.workspace)}

    # ── the lock ──────────────────────────────────────────────────────────────────────────────────

    def lock(self, seconds: float = PROBE_SECONDS) -> int | None:
        """Return a descriptor that holds the lock alone, or None when somebody holds it for more
        than `seconds`.
        """
        until = time.monotonic() + seconds
        descriptor = self._open_lock()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(descriptor)
                    return None
            time.sleep(0.005)

    def is_held(self) -> bool:
        """Tell whether somebody starts or supervises this attempt now."""
        descriptor = self._open_lock()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _open_lock(self) -> int:
        return os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    # ── what is written there ─────────────────────────────────────────────────────────────────────

    def make(self) -> None:
        """Make the folder. Raises ProviderError when the workspace is not there."""
        if not self.workspace.is_dir():
            raise ProviderError(f"the workspace {self.workspace} does not exist")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def is_void(self) -> bool:
        """Tell whether this attempt was given up before it started, for ever."""
        return (self.folder / VOID).exists()

    def make_void(self) -> None:
        """Give this attempt up; only with the lock held and nothing started."""
        records.place(self.folder / VOID, "given up before it started\n")

    @property
    def has_begun(self) -> bool:
        """Tell whether a shepherd got as far as starting the trainer, or ended."""
        return (self.folder / records.PROCESSES).exists() or (self.folder / records.EXIT).exists()

    def launch(self) -> dict[str, Any]:
        """Return launch.json, or an empty dict."""
        return records.read(self.folder / records.LAUNCH) or {}

    def processes(self) -> dict[str, Any]:
        """Return proc.json, or an empty dict."""
        return records.read(self.folder / records.PROCESSES) or {}

    def exit(self) -> dict[str, Any] | None:
        """Return exit.json, or None while there is none."""
        return records.read(self.folder / records.EXIT)

    def request(self, name: str) -> None:
        """Leave a request (`stop`, `checkpoint`) for the shepherd; asking twice is asking once."""
        if self.folder.is_dir():
            records.place(self.folder / name, f"asked at {time.time():.3f}\n")
