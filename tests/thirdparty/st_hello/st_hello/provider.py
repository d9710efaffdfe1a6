"""Where a job runs: a plain process in the workspace, watched over by a shell that notes its end.

Everything there is to know lies in `<workspace>/hello/<key>/`: `pid` of the shell (which leads a
session of its own), then `exit` with the trainer's exit code, and `stop` once somebody asked.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from st_core.contracts import Capability, Estimate, Hardware, Order, Problem, Submission
from st_core.errors import ProviderError
from st_core.progress.readings import Phase, Progress

#: Runs the trainer, notes its exit code, and outlives the SIGTERM that ends the trainer.
SHELL = """
trap : TERM
"$@" >>log 2>&1
echo $? >"$HELLO/exit.new"
mv "$HELLO/exit.new" "$HELLO/exit"
"""
KEPT = ("HOME", "LANG", "PATH")


class HelloProvider:
    """Runs jobs as processes of the server's own user, as many as it is given."""

    name = "hello"
    title = "Hello (a process)"
    capabilities = frozenset({Capability.RESUME, Capability.LOCAL_FILES})
    poll_seconds = 0.2
    timeout_seconds = 5.0

    def __init__(self) -> None:
        #: Our own children by key, to be reaped; after a restart of the server there are none.
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def hardware(self) -> Sequence[Hardware]:
        """Return the one machine there is."""
        return [Hardware("this-machine", "This machine")]

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Return a problem for more GPUs than none."""
        if submission.gpu_count:
            return [Problem("gpu_count", "hello has no GPUs; ask for 0")]
        return []

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return that it is free."""
        return Estimate(Decimal(0), "this machine costs nothing")

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Start the trainer once per key. Raises ProviderError when it cannot be started."""
        if found := self.find(order.key, order.workspace):
            return found
        state = {"key": order.key, "workspace": str(order.workspace)}
        notes = _notes(state)
        notes.mkdir(parents=True)
        for name, text in order.launch.files.items():
            path = order.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        try:
            shell = self._children[order.key] = subprocess.Popen(
                ["/bin/sh", "-c", SHELL, "hello", *order.launch.argv],
                cwd=order.workspace,
                env=_environment(order, notes) | dict(env),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            notes.rmdir()
            raise ProviderError(f"hello could not start {order.launch.argv[0]}: {error}") from error
        (notes / "pid").write_text(str(shell.pid))
        return state

    def poll(self, state: dict[str, Any]) -> Progress:
        """Return how the trainer ended, or that it runs."""
        notes = _notes(state)
        alive = self._is_alive(state)  # asked before the exit note is read: it may end in between
        was_asked = (notes / "stop").exists()
        if (notes / "exit").exists():
            self._reap(state["key"])
            return _ended(int((notes / "exit").read_text()), was_asked)
        if alive and was_asked:  # while the shell was still starting the trainer, perhaps
            _terminate(notes)
        if alive:
            return Progress(Phase.RUNNING)
        if was_asked:  # before the shell had even set its trap
            return Progress(Phase.CANCELLED, message="stopped when asked")
        return Progress(Phase.LOST, message="gone without a word", resumable=True)

    def stop(self, state: dict[str, Any]) -> None:
        """Send SIGTERM to the trainer's session; `poll` repeats it until it is heard."""
        notes = _notes(state)
        if self._is_alive(state) and not (notes / "exit").exists():
            (notes / "stop").touch()
            _terminate(notes)

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Raise: a plain process cannot be asked."""
        raise ProviderError("hello cannot ask a running trainer for a checkpoint")

    def find(self, key: str, workspace: Path) -> dict[str, Any] | None:
        """Return the state of the attempt started under `key`."""
        state = {"key": key, "workspace": str(workspace)}
        return state if (_notes(state) / "pid").exists() else None

    def _reap(self, key: str) -> None:
        """Wait for a shell that has written its note: ending is all it has left to do."""
        child = self._children.pop(key, None)
        if child is not None:
            child.wait(self.timeout_seconds)

    def _is_alive(self, state: Mapping[str, Any]) -> bool:
        """Tell whether the shell of an attempt lives, whoever started it."""
        child = self._children.get(state["key"])
        if child is not None and child.poll() is not None:
            return False
        try:
            os.kill(_pid(_notes(state)), 0)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True


def _notes(state: Mapping[str, Any]) -> Path:
    return Path(state["workspace"]) / "hello" / str(state["key"])


def _pid(notes: Path) -> int:
    return int((notes / "pid").read_text())


def _terminate(notes: Path) -> None:
    try:
        os.killpg(_pid(notes), signal.SIGTERM)
    except ProcessLookupError:
        return  # it ended in this moment


def _ended(code: int, was_asked: bool) -> Progress:
    if was_asked:
        return Progress(Phase.CANCELLED, message="stopped when asked", exit_code=code)
    if code == 0:
        return Progress(Phase.COMPLETED, exit_code=0)
    killed = code > 128
    message = f"ended by signal {code - 128}" if killed else f"ended with exit code {code}"
    return Progress(Phase.FAILED, message=message, exit_code=code, resumable=killed)


def _environment(order: Order, notes: Path) -> dict[str, str]:
    """Return what the trainer may see: never the server's whole environment."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    told = {
        "HELLO": str(notes),
        "TRAINER_EVENTS": str(order.workspace / "metrics.jsonl"),
    }
    return kept | told | dict(order.launch.env)
