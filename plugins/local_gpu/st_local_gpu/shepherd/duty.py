"""The duty of a shepherd: start the trainer, watch it, end it and all its kin when asked or when
its time is up, and write down how it ended, last of all.

Phases: *watching*; *asking* (the trainer's own way to save, after a request or at the time limit);
*settling* (the main process has ended, its children get a moment); *ending* (SIGTERM to everyone,
grace); *killing* (SIGKILL until none is left).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from enum import Enum
from pathlib import Path
from typing import Any

from . import kin, records, trainee
from .asking import Walk

TICK_SECONDS = 0.1  # how late a request file may be noticed
SETTLE_SECONDS = 0.5
HOPELESS_SECONDS = 30.0  # what is in an uninterruptible wait cannot be killed; give up some day


class Phase(Enum):
    """What the shepherd is doing."""

    WATCHING = "watching"
    ASKING = "asking"
    SETTLING = "settling"
    ENDING = "ending"
    KILLING = "killing"
    OVER = "over"


class Duty:
    """One attempt, from its start to exit.json."""

    def __init__(self, run: Path, launch: dict[str, Any]) -> None:
        self.run = run
        self.launch = launch
        self.key: str = launch["key"]
        self.workspace = Path(launch["workspace"])
        self.phase = Phase.WATCHING
        self.until = 0.0
        self.requested = "none"
        self.escalated = False
        self.error: str | None = None  # why the trainer could not be started
        self.fault: str | None = None  # what broke in the shepherd itself
        self.status: int | None = None
        self.peak_rss_bytes = 0
        self.main: subprocess.Popen[bytes] | None = None
        self.walk: Walk | None = None
        self.walks = 0
        self.started_at = time.time()
        self.started = time.monotonic()
        self.oom_kills = trainee.kernel_oom_kills()

    # ── start ─────────────────────────────────────────────────────────────────────────────────────

    def begin(self, environment: dict[str, str]) -> None:
        """Start the trainer; there is a record before and after, and in between its mark."""
        log = trainee.open_log(self.workspace / "log")
        self.log_offset = os.fstat(log).st_size
        self._write_processes(None)
        if (self.run / records.STOP).exists():
            self.requested, self.phase = "cancel", Phase.OVER
            return
        try:
            self.main = trainee.start(self.launch, environment, log)
        except (OSError, subprocess.SubprocessError) as error:
            self.error = f"{self.launch['argv'][0]} could not be started: {error}"
            self.phase = Phase.OVER
            return
        self._write_processes(self.main.pid)
        os.close(log)

    def _write_processes(self, main: int | None) -> None:
        record = {
            "version": 1,
            "key": self.key,
            "boot_id": records.boot_id(),
            "shepherd": kin.process(os.getpid()),
            "trainer": main and kin.process(main),
            "started_at": self.started_at,
            "log_offset": self.log_offset,
        }
        records.write(self.run / records.PROCESSES, record)

    # ── watch ─────────────────────────────────────────────────────────────────────────────────────

    def watch(self) -> None:
        """Go on until nobody of the training is left."""
        while self.phase is not Phase.OVER:
            hurry = self.phase in (Phase.ENDING, Phase.KILLING)
            got = signal.sigtimedwait(
                {signal.SIGCHLD, signal.SIGTERM}, TICK_SECONDS / 4 if hurry else TICK_SECONDS
            )
            self._reap()
            self._listen(bool(got and got.si_signo == signal.SIGTERM))
            self._step()

    def _reap(self) -> None:
        """Take the status of every child that ended; the trainer's orphans are ours too."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.peak_rss_bytes = max(self.peak_rss_bytes, usage.ru_maxrss * 1024)
            if self.main and pid == self.main.pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.main.returncode = self.status  # Popen must not wait for a pid that is gone

    def _listen(self, told_to_end: bool) -> None:
        """Notice a request, the time limit, or a SIGTERM that nobody wrote a request for (the
        machine goes down).
        """
        if self.phase is not Phase.WATCHING or self.status is not None:
            return
        limit = self.launch["time_limit_seconds"]
        if (self.run / records.STOP).exists():
            self._ask("cancel")
        elif limit and time.monotonic() - self.started >= limit:
            self._ask("time_limit")
        elif told_to_end:
            self._ask("terminated")
        elif self.walk is None and (self.run / records.CHECKPOINT).exists():
            (self.run / records.CHECKPOINT).unlink()
            self.walk = self._walk("checkpoint")

    def _ask(self, reason: str) -> None:
        self.requested, self.phase = reason, Phase.ASKING
        self.walk = self._walk("soft_stop")

    def _walk(self, name: str) -> Walk:
        self.walks += 1
        return Walk(self.launch[name], self.workspace, self.walks, self._signal_main)

    def _signal_main(self, number: int) -> None:
        if self.main and self.status is None:
            os.kill(self.main.pid, number)  # our own child, not reaped: the pid is still its

    # ── end ───────────────────────────────────────────────────────────────────────────────────────

    def _step(self) -> None:
        """Do what the phase asks for, as far as it can be done now."""
        late = time.monotonic() >= self.until
        if self.phase in (Phase.WATCHING, Phase.ASKING):
            self._advance()
        elif self.status is not None and not kin.of(self.key):
            self.phase = Phase.OVER
        elif self.phase is Phase.SETTLING and late:
            self.requested = "leftovers"
            self._end()
        elif self.phase is Phase.ENDING and late:
            self.escalated, self.phase = True, Phase.KILLING
            self.until = time.monotonic() + HOPELESS_SECONDS
            kin.signal_all(self.key, signal.SIGKILL)
        elif self.phase is Phase.KILLING:
            kin.signal_all(self.key, signal.SIGKILL)
            if late:
                self.phase = Phase.OVER

    def _advance(self) -> None:
        """Take the walk further; go on when the trainer has ended or was asked in vain."""
        asked = self.phase is Phase.ASKING
        if self.status is not None:
            if asked:
                self._end()
            else:
                self.phase, self.until = Phase.SETTLING, time.monotonic() + SETTLE_SECONDS
            return
        try:
            if self.walk:
                self.walk.advance()
        except (OSError, KeyError, ValueError) as error:
            # A full disk, say; it must not keep a job from being stopped.
            print(f"asking the trainer failed: {error!r}", file=sys.stderr, flush=True)
            self.walk = None
        if self.walk is None or self.walk.is_done:
            self.walk = None
            if asked:
                self._end()

    def _end(self) -> None:
        self.phase = Phase.ENDING
        self.until = time.monotonic() + self.launch["grace_seconds"]
        kin.signal_all(self.key, signal.SIGTERM)

    def record(self) -> dict[str, Any]:
        """Return how it ended; `returncode` is negative for a signal, as in `subprocess`."""
        before, after = self.oom_kills, trainee.kernel_oom_kills()
        return {
            "version": 1,
            "key": self.key,
            "returncode": self.status,
            "signal": -self.status if self.status is not None and self.status < 0 else None,
            "requested": self.requested,
            "escalated": self.escalated,
            "error": self.error,
            "fault": self.fault,
            "started_at": self.started_at,
            "ended_at": time.time(),
            "peak_rss_bytes": self.peak_rss_bytes or None,
            "kernel_oom_kills": None if before is None or after is None else after - before,
            "survivors": sorted(process.pid for process in kin.of(self.key)),
        }

    def abandon(self) -> None:
        """End everything at once: the shepherd itself has failed."""
        self.fault = f"the shepherd failed: {traceback.format_exc(limit=3)}"
        traceback.print_exc()
        for _ in range(200):
            kin.signal_all(self.key, signal.SIGKILL)
            self._reap()
            if not kin.of(self.key):
                break
            time.sleep(0.02)
