"""A real server in a process of its own: started, killed and started again on one state folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import psutil

from .warm_start import Nursery, WarmProcess

START_SECONDS = 60.0
END_SECONDS = 45.0


@cache
def _tls() -> ssl.SSLContext:
    """Read the machine's certificates once, not for every client of a server without TLS."""
    return ssl.create_default_context()


class ServerProcess:
    """`simpletuner server` on a free port, as a user starts it.

    `start` waits for `/health`; `kill` is a power cut of the server alone (SIGKILL: trainers go
    on); `end` is an orderly stop. The state folder stays, so `start` after either goes on from it.
    """

    #: Where servers of this environment are forked from, if a test session has one.
    nursery: ClassVar[Nursery | None] = None

    def __init__(self, state_dir: Path, *arguments: str, **env: str) -> None:
        self.state_dir = state_dir
        self.arguments = arguments
        self.env = env
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | WarmProcess | None = None
        #: The interpreter whose installed server is started.
        self.python = Path(sys.executable)
        state_dir.mkdir(parents=True, exist_ok=True)

    @property
    def base_url(self) -> str:
        """The address it listens on."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process id. Raises RuntimeError when it was never started."""
        if self.process is None:
            raise RuntimeError("the server was not started")
        return self.process.pid

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write dotted settings into the configuration file that the server finds where it runs."""
        sections: dict[str, Any] = {}
        for key, value in settings.items():
            *above, name = key.split(".")
            place = sections
            for section in above:
                place = place.setdefault(section, {})
            place[name] = value
        text = json.dumps(sections, indent=2)
        (self.state_dir / "simpletuner-enterprise.json").write_text(text, "utf-8")

    def start(self, **env: str) -> Self:
        """Start the server and return when it is healthy; `env` holds for this start alone.

        Raises RuntimeError with the end of its output when it ends before, or is not healthy
        within a minute.
        """
        self.launch(**env)
        end = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"the server ended by itself:\n{self.output()}")
            if time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"not healthy in {START_SECONDS:.0f} s:\n{self.output()}")
            time.sleep(0.02)
        return self

    def launch(self, **env: str) -> subprocess.Popen[bytes] | WarmProcess:
        """Start the server and return at once."""
        env = self._environment() | env
        with (self.state_dir / "server.out").open("ab") as output:
            if self.nursery is not None and self.python == Path(sys.executable):
                self.process = self.nursery.start(
                    self._command(), env=env, cwd=self.state_dir, output=output.fileno()
                )
            else:
                self.process = subprocess.Popen(
                    [*_dies_with_us(), *self._command()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.state_dir,
                    env=env,
                    start_new_session=True,
                )
        return self.process

    def beside(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start another command on the same state folder; its output is to be read by the caller.

        The first word is a program of the server's own environment: `simpletuner`, `flask`.
        """
        program, *words = command
        return subprocess.Popen(
            [*_dies_with_us(), str(self.python.with_name(program)), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.state_dir,
            env=self._environment() | {"SIMPLETUNER_STATE_DIR": str(self.state_dir)} | env,
            start_new_session=True,
        )

    def is_healthy(self) -> bool:
        """Tell whether `/health` answers with success."""
        asked = HTTPConnection("127.0.0.1", self.port, timeout=2.0)
        try:
            asked.request("GET", "/health")
            return 200 <= asked.getresponse().status < 300
        except (OSError, HTTPException):
            return False
        finally:
            asked.close()

    def client(self, **options: Any) -> httpx.Client:
        """Return an HTTP client for this server; on loopback it acts as the local owner."""
        return httpx.Client(base_url=self.base_url, trust_env=False, verify=_tls(), **options)

    def wait(self) -> int:
        """Return the exit code once the process has ended, negative when a signal ended it."""
        if self.process is None:
            raise RuntimeError("the server was not started")
        return self.process.wait(END_SECONDS)

    def kill(self) -> None:
        """End the server without a word, as a power cut would; what it started goes on."""
        if self.process is not None and self.process.poll() is None:
            for child in self.children():
                child.kill()
            self.process.kill()
            self.process.wait()

    def end(self) -> int:
        """Ask the server to end (SIGTERM) and return its exit code."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def output(self) -> str:
        """Return the end of everything the server printed, over all starts."""
        path = self.state_dir / "server.out"
        return path.read_text(errors="replace")[-5000:] if path.exists() else ""

    def children(self) -> list[psutil.Process]:
        """Return the further server processes of `--processes N`, never a trainer's supervisor."""
        if self.process is None:
            return []
        try:
            children = psutil.Process(self.process.pid).children()
            return [each for each in children if "st_core.serving" in each.cmdline()]
        except psutil.Error:
            return []

    def leftovers(self) -> list[psutil.Process]:
        """Return the processes that work in this state folder: trainers and their supervisors."""
        return [each for each in psutil.process_iter() if self._is_ours(each)]

    def clean(self) -> None:
        """End the server and everything it left running."""
        self.kill()
        for _ in range(50):
            found = self.leftovers()
            for each in found:
                each.kill()
            if not found:
                return
            psutil.wait_procs(found, timeout=0.2)

    def _command(self) -> list[str]:
        script = self.python.with_name("simpletuner")
        start = [str(script)] if script.exists() else [str(self.python), "-m", "st_core.cli"]
        place = ["--host", "127.0.0.1", "--port", str(self.port)]
        if "SIMPLETUNER_STATE_DIR" not in self.env:
            place += ["--state-dir", str(self.state_dir)]
        return [*start, "server", *place, *self.arguments]

    def _environment(self) -> dict[str, str]:
        """Return our environment without settings that a developer's shell may hold."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SIMPLETUNER_", "ST_", "FLASK_"))
        }
        return kept | {"HOME": str(self.state_dir), "PYTHONUNBUFFERED": "1"} | self.env

    def _is_ours(self, process: psutil.Process) -> bool:
        folder = str(self.state_dir)
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            words = " ".join(process.cmdline())
            return folder in words or process.cwd().startswith(folder)
        except (psutil.Error, FileNotFoundError):
            return False


def _dies_with_us() -> list[str]:
    """Return the words that make a child end when the tests are killed, where that is possible."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
