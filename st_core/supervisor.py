"""Server processes that share one listening socket: started, watched, restarted, ended together.

Standard library only: this process stays small and imports nothing that could fail while the server
runs. Children are fresh interpreters, never forks of a process with threads. When this process is
killed, the pipe it holds closes and its children end by themselves.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)
#: A child that lived shorter than this is restarted with growing delay.
STABLE_SECONDS = 10.0
LONGEST_DELAY_SECONDS = 30.0
#: Longer than `serving.DRAIN_SECONDS`; then SIGKILL.
END_SECONDS = 40.0
LOOK_SECONDS = 0.2


class Child:
    """One server process on the shared socket."""

    def __init__(self, sock: socket.socket, life: int) -> None:
        answer, ready = os.pipe()
        command = [sys.executable, "-P", "-m", "st_core.serving"]
        fds = {"--fd": sock.fileno(), "--life": life, "--ready": ready}
        for name, fd in fds.items():
            command += [name, str(fd)]
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(command, pass_fds=list(fds.values()))
        os.close(ready)
        self._answer = answer

    def wait_until_ready(self) -> bool:
        """Return True once it answers requests, False when it ended before."""
        return os.read(self._answer, 5) == b"ready"

    def forget(self) -> None:
        """Let go of a dead process."""
        os.close(self._answer)

    def is_dead(self) -> bool:
        """Tell whether the process has ended."""
        return self.process.poll() is not None

    def lived_seconds(self) -> float:
        """Return the age of the process."""
        return time.monotonic() - self.started_at


class Supervisor:
    """Keeps `count` server processes running on one socket until it is told to stop."""

    def __init__(self, sock: socket.socket, count: int) -> None:
        self.sock = sock
        self.count = count
        self.children: list[Child] = []
        self.stop = threading.Event()
        self.killed = False
        self._life, self._held = os.pipe()

    def start(self) -> int:
        """Start the first child, wait until it answers, then the others; return 0, or its exit
        code.

        The others start when it is ready, because it migrates the database and tells what is wrong,
        once.
        """
        first = self._start_child()
        if not first.wait_until_ready():
            return first.process.wait() or 1
        for _ in range(self.count - 1):
            self._start_child()
        return 0

    def _start_child(self) -> Child:
        child = Child(self.sock, self._life)
        self.children.append(child)
        return child

    def handle_signals(self) -> None:
        """Let SIGTERM and Ctrl-C end every child in order; a second one kills them."""

        def end(_number: int, _frame: FrameType | None) -> None:
            self.killed = self.stop.is_set()
            self.stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)

    def watch(self, look: Callable[[], None] = lambda: None) -> None:
        """Restart children that die until the stop flag is set, then end all of them."""
        delay = 0.0
        while not self.stop.wait(LOOK_SECONDS):
            look()
            for child in [child for child in self.children if child.is_dead()]:
                delay = self._replace(child, delay)
        self.end()

    def _replace(self, child: Child, delay: float) -> float:
        """Start a new process for a dead one after `delay` seconds; return the next delay."""
        code = child.process.returncode
        if child.lived_seconds() > STABLE_SECONDS:
            delay = 0.0
        log.error("server process %d ended with %s; a new one starts", child.process.pid, code)
        self.children.remove(child)
        child.forget()
        if not self.stop.wait(delay):
            self._start_child()
        return min(max(1.0, delay * 2), LONGEST_DELAY_SECONDS)

    def end(self) -> None:
        """End every child: SIGTERM, wait until it has drained, SIGKILL when that takes too long."""
        self.sock.close()  # or the kernel would go on accepting for nobody
        for child in self.children:
            if not child.is_dead():
                child.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + END_SECONDS
        while any(not child.is_dead() for child in self.children):
            if self.killed or time.monotonic() > until:
                for child in self.children:
                    child.process.kill()
            time.sleep(0.05)
