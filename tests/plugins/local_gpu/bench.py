"""What the tests of running share: orders for real processes, and the promise that none is left
behind.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from st_local_gpu import launching, processes
from st_local_gpu.processes import Stage
from st_local_gpu.runs import Run
from st_local_gpu.shepherd import kin, records

from st_core.contracts import Launch, Order

TRAINEES = Path(__file__).parent / "trainees"
PATIENCE_SECONDS = 30.0
T = TypeVar("T")


def until(ready: Callable[[], T]) -> T:
    """Wait until `ready()` is true and return its answer."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (answer := ready()):
        assert time.monotonic() < end, f"nothing happened in {PATIENCE_SECONDS:.0f} s"
        time.sleep(0.01)
    return answer


class Bench:
    """Makes orders and starts them; every key it gave out is remembered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: list[str] = []

    def order(self, trainee: str, *arguments: Any, attempt: int = 1, **options: Any) -> Order:
        """Return an order for a script of `trainees/` with options of `Launch` and `Order`."""
        job_key = options.pop("job_key", uuid.uuid4().hex)
        workspace = self.folder / job_key[:8]
        workspace.mkdir(exist_ok=True)
        key = f"{job_key}-{attempt}"
        self.keys.append(key)
        launch = {
            name: options.pop(name) for name in list(options) if name in Launch.__dataclass_fields__
        }
        argv = (sys.executable, "-I", str(TRAINEES / f"{trainee}.py"), *map(str, arguments))
        return Order(
            key=key,
            job_id=1,
            job_key=job_key,
            attempt=attempt,
            workspace=workspace,
            trainer="none",
            config={},
            launch=Launch(**{"argv": argv, "grace_seconds": 0.3, **launch}),
            **options,
        )

    def start(self, order: Order, **environment: str) -> Run:
        """Start an order and return its run."""
        given = {"PATH": "/usr/bin:/bin", **environment, kin.MARK: order.key}
        return Run.from_state(launching.start(order, given, (), 0))

    def running(self, order: Order, **environment: str) -> Run:
        """Start an order and return its run once the trainer runs."""
        run = self.start(order, **environment)
        until(lambda: processes.standing(run).stage is not Stage.STARTING)
        return run

    def trainees(self) -> list[str]:
        """Return the processes of any of our attempts that still live."""
        return [f"{key}: {process}" for key in self.keys for process in kin.marked(key)]

    def shepherds(self) -> list[str]:
        """Return the shepherds that still live; one lives a moment longer than its last word."""
        here = str(self.folder)
        return [words for words in _command_lines() if here in words and "shepherd" in words]


def _command_lines() -> list[str]:
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                lines.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return lines


def ended(run: Run) -> dict[str, Any]:
    """Return the exit record once the run has ended."""
    until(lambda: processes.standing(run).stage is Stage.ENDED)
    return processes.standing(run).record


def stop(run: Run) -> dict[str, Any]:
    """Ask a run to end, as the provider does, and return its exit record."""
    run.request(records.STOP)
    return ended(run)


def alive(run: Run) -> set[kin.Process]:
    """Return who carries the run's mark now."""
    return kin.marked(run.key)
