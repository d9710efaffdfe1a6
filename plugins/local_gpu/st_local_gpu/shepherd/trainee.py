"""Start the trainer as it is to run: own session, the log's descriptor, a nice value, and first in
line when memory ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def start(
    launch: Mapping[str, Any], environment: Mapping[str, str], log: int
) -> subprocess.Popen[bytes]:
    """Start the trainer. Raises OSError when the program cannot be run.

    The log is a plain file that the trainer writes itself: no pipe, so nobody's death can block or
    lose a line.
    """

    def in_the_child() -> None:
        """Undo what the shepherd set for itself, and stand in front of it when the kernel looks for
        memory.
        """
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            os.nice(launch["nice"])
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(launch["oom_score_adj"]))

    return subprocess.Popen(
        launch["argv"],
        cwd=launch["workspace"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=in_the_child,
    )


def open_log(path: Path) -> int:
    """Open the log for appending; an attempt begins on a line of its own."""
    log = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    size = os.fstat(log).st_size
    if size and os.pread(log, 1, size - 1) not in (b"\n", b"\r"):
        os.write(log, b"\n")
    return log


def kernel_oom_kills() -> int | None:
    """Return how often the kernel killed for memory since the machine booted, or None when it does
    not say.
    """
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
