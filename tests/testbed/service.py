"""A `Service` is one real component run for the tests: its processes, folder, ports and end.

Each lives in a short folder of its own under /tmp (a unix socket's path ends at 107 bytes, and
pytest's `tmp_path` is often longer), listens on a free port of 127.0.0.1, and dies with the tests
even when those are killed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self


class Missing(RuntimeError):
    """A component is not installed; the message names the package. Tests fail on it, none skips."""


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def answers(port: int) -> bool:
    """Tell whether somebody accepts connections on `port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.25):
            return True
    except OSError:
        return False


class Service:
    """One component: a context manager that starts it, waits until it answers, and ends it."""

    name = "service"
    account: str | None = None  # what to drop to when we are root; some servers refuse uid 0
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"st-{self.name[:8]}-", dir="/tmp"))
        self.processes: list[subprocess.Popen[bytes]] = []
        self._own(self.folder)

    def start(self) -> None:
        """Start the component and return when it answers."""
        raise NotImplementedError

    def spawn(self, argv: Sequence[object], **env: str) -> subprocess.Popen[bytes]:
        """Start a process of this component; its output goes to the folder's log."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*self._prefix(), *map(str, argv)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.folder,
                env={**os.environ, "HOME": str(self.folder), **env},
            )
        self.processes.append(process)
        return process

    def call(self, argv: Sequence[object]) -> str:
        """Run a command of this component to its end and return what it printed."""
        done = subprocess.run(
            [*self._prefix(), *map(str, argv)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of this component into its folder."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
        self._own(path)
        return path

    def wait(self, ready: Callable[[], Any], timeout_seconds: float = 30.0) -> None:
        """Return when `ready()` is true; it may raise `OSError` until then."""
        end = time.monotonic() + timeout_seconds
        while not self._try(ready):
            for process in self.processes:
                if process.poll():
                    raise RuntimeError(
                        f"{self.name} ended with {process.returncode}:\n{self.log()}"
                    )
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} not ready in {timeout_seconds} s:\n{self.log()}")
            time.sleep(0.01)

    def log(self) -> str:
        """Return the end of what the component wrote."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(each.read_text(errors="replace")[-3000:] for each in files)

    def stop(self) -> None:
        """End every process, stragglers of our own groups included, and remove the folder."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(self.stop_signal)
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            _kill_group(process.pid)
            process.wait()
        if not os.environ.get("TESTBED_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def _try(ready: Callable[[], Any]) -> bool:
        try:
            return bool(ready())
        except OSError:
            return False

    def _prefix(self) -> list[str]:
        """Return the words before a command that make it die with us and drop root."""
        words = ["setpriv", "--pdeathsig", "TERM"]
        if self._drops():
            account = pwd.getpwnam(str(self.account))
            words += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        return [*words, "--"]

    def _own(self, path: Path) -> None:
        if self._drops():
            shutil.chown(path, self.account)

    def _drops(self) -> bool:
        return self.account is not None and os.geteuid() == 0


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
