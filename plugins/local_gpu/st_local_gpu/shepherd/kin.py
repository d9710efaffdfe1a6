"""Who belongs to a training: the living processes below the shepherd, and those that carry the
job's mark.

A *process* is named by pid and start time, because pids are given out again. The *mark* is the
environment variable `ST_JOB_KEY`; it finds what is no longer below the shepherd (a shepherd that
was killed leaves orphans).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

MARK = "ST_JOB_KEY"


class Process(NamedTuple):
    """One process: `start` is in clock ticks since the machine booted."""

    pid: int
    start: int


class _Row(NamedTuple):
    process: Process
    parent: int
    zombie: bool


def _row(pid: int) -> _Row | None:
    """Read `/proc/PID/stat`; the command's name may hold blanks and brackets, so count from the
    last bracket.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return _Row(Process(pid, int(fields[19])), int(fields[1]), fields[0] in (b"Z", b"X"))


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def process(pid: int) -> Process | None:
    """Return the living process with this pid, or None."""
    row = _row(pid)
    return row.process if row and not row.zombie else None


def is_alive(this: Process) -> bool:
    """Tell whether exactly this process lives, not another that got its pid."""
    return process(this.pid) == this


def below(root: int) -> set[Process]:
    """Return every living descendant of `root`, whatever sessions and groups they made, without
    `root`.
    """
    children: dict[int, list[_Row]] = {}
    for pid in _pids():
        if row := _row(pid):
            children.setdefault(row.parent, []).append(row)
    found: set[Process] = set()
    waiting = [root]
    while waiting:
        for row in children.pop(waiting.pop(), ()):
            waiting.append(row.process.pid)
            if not row.zombie:
                found.add(row.process)
    return found


def marked(key: str) -> set[Process]:
    """Return every living process whose environment began with the mark of this attempt, but for
    ourselves.
    """
    return {
        this
        for pid in _pids()
        if pid != os.getpid() and mark_of(pid) == key and (this := process(pid))
    }


def of(key: str) -> set[Process]:
    """Return everyone of the training that this process watches: below us, or with the mark."""
    return below(os.getpid()) | marked(key)


def signal_all(key: str, number: int) -> None:
    """Send a signal to everyone of the training that this process watches."""
    for this in of(key):
        send(this, number)


def mark_of(pid: int) -> str | None:
    """Return the attempt key that a process carries, or None when it has none or is somebody
    else's.
    """
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return None
    start = f"{MARK}=".encode()
    return next(
        (e[len(start) :].decode(errors="replace") for e in entries if e.startswith(start)), None
    )


def send(this: Process, number: int) -> bool:
    """Send a signal to exactly this process; False when it is gone. A pid given out again is never
    hit.
    """
    try:
        handle = os.pidfd_open(this.pid)
    except ProcessLookupError:
        return False
    except OSError:  # a kernel before 5.3: as near as it gets
        return is_alive(this) and _kill(this.pid, number)
    try:
        if not is_alive(this):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)


def _kill(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
