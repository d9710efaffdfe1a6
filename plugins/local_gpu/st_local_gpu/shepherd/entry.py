"""Where a shepherd begins: takes the lock it was handed, becomes the parent of all orphans, and
does its duty.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from . import records
from .duty import Duty

PR_SET_CHILD_SUBREAPER = 36


def main(run: Path, lock: int) -> None:
    """Do the whole duty in `run`, holding the descriptor `lock` for as long as this process lives.

    The environment of the trainer comes as one line of JSON on standard input and is never written
    down. Without a whole line (the server died while it spoke) nothing is started and nothing is
    recorded.
    """
    os.set_inheritable(lock, False)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    launch = records.read(run / records.LAUNCH)
    assert launch is not None, "the server writes launch.json before it starts a shepherd"
    records.reserve(run)
    duty = Duty(run, launch)
    try:
        duty.begin(json.loads(line))
        duty.watch()
    except Exception:
        duty.abandon()
    records.write_last(run, duty.record())
