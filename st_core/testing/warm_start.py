"""Warm starts: real server processes, forked from one that has imported the server already.

Importing costs more than all the rest of a start, and a test session starts a hundred servers. The
*nursery* imports once and forks for each start; what it forks is a process of its own session, with
its own environment, folder and output, that runs the command from its first line. A *minder* stands
between them, waits for the end and tells it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_LONGEST_REQUEST = 1 << 20
_PRELOADED = ("st_core.boot", "st_core.serving", "st_core.cli.server")


class WarmProcess:
    """A forked process, handled as a `subprocess.Popen` is."""

    def __init__(self, answers: socket.socket, args: Sequence[str]) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        self._answers = answers
        self._told = b""
        self.pid = int(self._line(None) or -1)

    def poll(self) -> int | None:
        """Return the exit code, negative when a signal ended it; None while it runs."""
        if self.returncode is None and (told := self._line(0.0)) is not None:
            self.returncode = int(told or -signal.SIGKILL)  # silence: the nursery was killed
            self._answers.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended. Raises TimeoutExpired after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            select.select([self._answers], [], [], left)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _line(self, seconds: float | None) -> bytes | None:
        """Return the next line of the minder, "" when there will be none, None when not yet."""
        while b"\n" not in self._told:
            if not select.select([self._answers], [], [], seconds)[0]:
                return None
            more = self._answers.recv(64)
            if not more:
                return b""
            self._told += more
        line, _, self._told = self._told.partition(b"\n")
        return line


class Nursery:
    """Starts `simpletuner` commands warm; the nursery itself is started by the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def start(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: int
    ) -> WarmProcess:
        """Run `argv` (its first word names `simpletuner`) in a process that writes to `output`."""
        if self._requests is None:
            self._open()
        assert self._requests is not None
        mine, theirs = socket.socketpair()
        request = json.dumps({"argv": list(argv), "env": dict(env), "cwd": str(cwd)}).encode()
        with theirs:
            socket.send_fds(self._requests, [request], [theirs.fileno(), output])
        return WarmProcess(mine, argv)

    def close(self) -> None:
        """End the nursery and with it whatever it started."""
        if self._process is not None and self._requests is not None:
            self._requests.close()
            self._process.kill()
            self._process.wait()

    def _open(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST_REQUEST)
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())]
            # Not in a test's folder: what works in there is ended with its server.
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd="/")


# ── in the nursery ────────────────────────────────────────────────────────────────────────────────


def _serve(fd: int, parent: int) -> None:
    """Fork for each request until the other end closes."""
    _die_with_parent(parent)
    requests = socket.socket(fileno=fd)
    for name in _PRELOADED:
        importlib.import_module(name)
    _import_plugins()
    gc.freeze()
    while True:
        request, fds, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, 2)
        if not request:
            return
        pid = os.fork()
        if not pid:
            requests.close()
            _end_with(partial(_mind, json.loads(request), *fds))
        for each in fds:
            os.close(each)
        _reap()


def _import_plugins() -> None:
    from st_core.app import BUNDLED
    from st_core.plugins import find

    for name, found in find().items():
        if name in BUNDLED:
            importlib.import_module(found.entry_point.value)


def _mind(request: dict[str, Any], answers: int, output: int) -> None:
    """Be the minder: start the process, tell its number, wait, tell how it ended."""
    nursery = os.getppid()
    _die_with_parent(nursery)
    minder = os.getpid()
    pid = os.fork()
    if not pid:
        os.close(answers)
        _end_with(lambda: _live(request, output, minder))
    os.close(output)
    os.write(answers, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # nobody may be interested any more
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(status))


def _live(request: dict[str, Any], output: int, minder: int) -> None:
    """Be the process that was asked for."""
    os.setsid()
    _die_with_parent(minder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    importlib.invalidate_caches()
    random.seed()
    sys.argv = request["argv"]
    gc.enable()
    from st_core.cli import main

    main()


def _end_with(work: Callable[[], None]) -> None:
    """Do `work` and end this process as an interpreter would; never returns."""
    code = 1
    try:
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _reap() -> None:
    """Let minders that have ended go."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _die_with_parent(parent: int) -> None:
    """End this process when `parent` does, also when it has ended already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    _serve(*map(int, sys.argv[1:]))
