"""A job's training as this machine sees it: the files of its workspace and its living processes.

The server is not asked here, so that all of it can also be told while no server runs.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors.numpy import load_file
from st_local_gpu.shepherd import kin

from st_core.testing.server import ServerProcess

PATIENCE_SECONDS = 60.0
T = TypeVar("T")

#: A tiny training of some seconds: long enough to be met in the middle, quick to be done again.
TINY: Mapping[str, Any] = {
    "steps": 600,
    "batch_size": 8,
    "width": 32,
    "blocks": 1,
    "checkpoint_every": 50,
    "keep_checkpoints": 100,
    "sample_rows": 1,
    "sample_steps": 2,
    "final_samples": 0,
    "log_every": 1,
}
#: One that is over at once.
QUICK: Mapping[str, Any] = {**TINY, "steps": 20}
#: One that ends only when it is ended.
ENDLESS: Mapping[str, Any] = {**TINY, "steps": 1_000_000, "checkpoint_every": 0, "log_every": 500}


class Training:
    """The workspace and the processes of one job of one server."""

    def __init__(self, server: ServerProcess, number: str) -> None:
        self.server = server
        self.number = number

    @property
    def folder(self) -> Path:
        """The workspace. Raises ValueError before the first start has made it."""
        (found,) = (self.server.state_dir / "jobs").glob(f"{self.number}-*")
        return found

    # ── files ─────────────────────────────────────────────────────────────────────────────────────

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the trainer's event lines of one type, as they came; a torn one is none."""
        try:
            lines = (self.folder / "metrics.jsonl").read_text("utf-8").split("\n")[:-1]
        except (FileNotFoundError, ValueError):
            return []
        return [event for line in lines if (event := json.loads(line))["type"] == kind]

    def steps(self) -> list[int]:
        """Return the steps that the trainer told, in the order in which it did."""
        return [event["step"] for event in self.events("progress")]

    def logged_steps(self) -> list[int]:
        """Return the steps that have a line in the log."""
        text = (self.folder / "log").read_text("utf-8")
        return [int(step) for step in re.findall(r"^step (\d+)/", text, re.MULTILINE)]

    def checkpoints(self) -> list[int]:
        """Return the steps of the checkpoints that are there, in order."""
        found = (self.folder / "checkpoints").glob("checkpoint-*[0-9]")
        return sorted(int(each.name.rpartition("-")[2]) for each in found)

    def tensors(self, step: int) -> dict[str, bytes]:
        """Return every tensor of a checkpoint by file and name, as its very bytes."""
        folder = self.folder / "checkpoints" / f"checkpoint-{step}"
        found = {
            f"{path.name} {name}": np.ascontiguousarray(tensor).tobytes()
            for path in sorted(folder.glob("*.safetensors"))
            for name, tensor in load_file(path).items()
        }
        assert found, f"{folder} holds no tensors"
        return found

    def record(self, name: str, attempt: int = 1) -> dict[str, Any]:
        """Return a record of an attempt's supervisor (`proc.json`, `launch.json`), empty before."""
        try:
            told = (self.folder / "run" / str(attempt) / name).read_text("utf-8")
        except (FileNotFoundError, ValueError):
            return {}
        found: dict[str, Any] = json.loads(told)
        return found

    # ── processes ─────────────────────────────────────────────────────────────────────────────────

    def trainer(self, attempt: int = 1) -> int:
        """Return the trainer's process id, once it has one."""
        pid, _start = until(lambda: self.record("proc.json", attempt).get("trainer"))
        return int(pid)

    def shepherd(self, attempt: int = 1) -> int:
        """Return the process id of the trainer's supervisor, once it has one."""
        pid, _start = until(lambda: self.record("proc.json", attempt).get("shepherd"))
        return int(pid)

    def kill(self, attempt: int = 1) -> None:
        """End the trainer as the kernel does when memory is full."""
        os.kill(self.trainer(attempt), signal.SIGKILL)

    def is_at(self, step: int) -> None:
        """Return once the trainer has told `step` or a later one."""
        until(lambda: max(self.steps(), default=0) >= step)

    def living(self) -> list[str]:
        """Return the processes of any attempt that still live, its supervisor among them."""
        marked = {
            f"marked {process}"
            for path in self.folder.glob("run/*/launch.json")
            for process in kin.marked(json.loads(path.read_text())["key"])
        }
        words = (str(self.folder), f"/jobs/{self.folder.name}/")
        here = {
            f"{process.pid} {line}"
            for process in self.server.leftovers()
            if any(word in (line := " ".join(process.cmdline())) for word in words)
        }
        return sorted(marked | here)


def until(ready: Callable[[], T]) -> T:
    """Return what `ready` does as soon as it is true. Raises TimeoutError after a minute."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (answer := ready()):
        if time.monotonic() > end:
            raise TimeoutError(f"nothing happened within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.02)
    return answer
