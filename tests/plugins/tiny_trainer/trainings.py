"""Real trainings in processes of their own, started as a provider would start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from st_tiny_trainer.settings import DATA_ROOTS, PYTHON
from st_tiny_trainer.trainer import TinyTrainer

from st_core.contracts import Launch

PATIENCE_SECONDS = 120.0

#: A run of a few seconds at most; long enough to be interrupted.
SMALL: Mapping[str, Any] = {
    "steps": 300,
    "batch_size": 16,
    "width": 32,
    "blocks": 1,
    "checkpoint_every": 50,
    "keep_checkpoints": 100,
    "sample_rows": 1,
    "sample_steps": 2,
    "final_samples": 10,
    "log_every": 100,
}


def trainer(**settings: Any) -> TinyTrainer:
    """Return the trainer with its settings, by default free to read below /tmp."""
    values = {PYTHON: "", DATA_ROOTS: ["/tmp"], **settings}
    return TinyTrainer(values.__getitem__)


#: Runs the program; at a step's progress event the process does something to itself, and so is
#: interrupted at that very step however busy the machine is.
INTERRUPTED = """
import os, runpy, signal, sys
engine, config, at, how = sys.argv[1:]
sys.path.insert(0, engine)
from tiny_flow.events import Events
write = Events.write
def interrupting(self, kind, **fields):
    write(self, kind, **fields)
    if kind == "progress" and fields["step"] == int(at):
        if how == "stop":
            open(os.path.join(os.environ["TRAINER_CONTROL"], "stop"), "w").close()
        else:
            os.kill(os.getpid(), signal.Signals[how])
Events.write = interrupting
sys.argv[1:] = [config]
runpy.run_path(engine, run_name="__main__")
"""


class Training:
    """One workspace and the processes that train in it, one after the other."""

    def __init__(self, workspace: Path, config: Mapping[str, Any] = SMALL) -> None:
        self.workspace = workspace
        self.config = dict(config)
        self.trainer = trainer(**{DATA_ROOTS: [str(workspace.parent)]})
        self.process: subprocess.Popen[bytes] | None = None
        workspace.mkdir(parents=True, exist_ok=True)

    def start(self, resume_from: str | None = None) -> Training:
        """Start a process, from the beginning or from a checkpoint."""
        if resume_from is None:
            return self.carry_out(self.trainer.launch(self.config, self.workspace))
        return self.carry_out(self.trainer.resume(self.config, self.workspace, resume_from))

    def carry_out(self, launch: Launch) -> Training:
        """Start what a launch says, with nothing of the test's own environment."""
        for name, text in launch.files.items():
            (self.workspace / name).write_text(text, "utf-8")
        env = {"PATH": os.environ["PATH"], **launch.env}
        with (self.workspace / "log").open("ab") as log:
            self.process = subprocess.Popen(
                launch.argv, cwd=self.workspace, env=env, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def end(self) -> int:
        """Wait for the process and return its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()

    def run(self, resume_from: str | None = None) -> int:
        """Start a process and wait for its end."""
        return self.start(resume_from).end()

    def interrupt(self, at: int, how: str, resume_from: str | None = None) -> int:
        """Run until `how` (a signal's name, or stop for the file) strikes after step `at`."""
        launch = self.trainer.launch(self.config, self.workspace)
        if resume_from is not None:
            launch = self.trainer.resume(self.config, self.workspace, resume_from)
        python, *program = launch.argv
        argv = (python, "-c", INTERRUPTED, *program, str(at), how)
        return self.carry_out(replace(launch, argv=argv)).end()

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.end()

    def ask(self, request: str) -> None:
        """Write a control file."""
        (self.workspace / "control" / request).write_text("please\n")

    def wait_for(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the first event with these fields, as soon as it is there."""
        return self.wait_until(
            lambda: next(
                (e for e in self.events(kind) if all(e.get(k) == v for k, v in fields.items())),
                None,
            )
        )

    def wait_until(self, look: Callable[[], Any]) -> Any:
        """Return what `look` finds, as soon as it does; fail when the process ends before."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()):
            assert self.process is not None
            assert self.process.poll() is None, f"it ended before\n{self.log}"
            assert time.monotonic() < until, f"it never came\n{self.log}"
            time.sleep(0.005)
        return found

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the whole event lines of one type, in order; torn lines are left out."""
        found = []
        path = self.workspace / "metrics.jsonl"
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event["type"] == kind:
                found.append(event)
        return found

    def losses(self) -> dict[int, float]:
        """Return step → loss; of a step that was taken twice, the later."""
        return {e["step"]: e["metrics"]["loss"] for e in self.events("progress")}

    def steps_saved(self) -> list[int]:
        """Return the steps of the complete checkpoints."""
        return [each.step for each in self.trainer.checkpoints(self.workspace)]

    def newest(self) -> str:
        """Return the path of the newest complete checkpoint."""
        return self.trainer.checkpoints(self.workspace)[-1].path

    def pictures(self) -> dict[str, bytes]:
        """Return the sample pictures by path."""
        found = self.trainer.samples(self.workspace)
        return {each.path: (self.workspace / each.path).read_bytes() for each in found}

    @property
    def log(self) -> str:
        """What the processes printed."""
        return (self.workspace / "log").read_text("utf-8", "replace")


def same_tensors(one: Path, other: Path) -> bool:
    """Tell whether two checkpoints hold the same tensors, bit for bit.

    Files are not compared: their header lists the tensors in no fixed order.
    """
    for name in ("model", "ema", "optimizer"):
        left, right = (load_file(folder / f"{name}.safetensors") for folder in (one, other))
        if left.keys() != right.keys():
            return False
        if not all(np.array_equal(left[key], right[key]) for key in left):
            return False
    return True
