"""Ask a trainer softly, in steps that came with its launch: write a file, wait for one to appear,
send a signal.

A *walk* goes through the steps of one request; it never blocks, `advance()` is called again and
again.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import Signals
from typing import Any

from . import records

Step = Mapping[str, Any]


class Walk:
    """One request on its way through `steps`. `number` counts the attempt's requests, from 1."""

    def __init__(
        self, steps: Sequence[Step], workspace: Path, number: int, signal_main: Callable[[int], Any]
    ) -> None:
        self._steps = list(steps)
        self._workspace = workspace
        self._number = number
        self._signal_main = signal_main
        self._until: float | None = None
        self._seen = {
            step["wait_for"]: self._matches(step["wait_for"])
            for step in steps
            if step.get("wait_for")
        }

    @property
    def is_done(self) -> bool:
        """Tell whether every step has been taken."""
        return not self._steps

    def advance(self) -> None:
        """Take every step that can be taken now."""
        while self._steps and self._take(self._steps[0]):
            self._steps.pop(0)
            self._until = None

    def _take(self, step: Step) -> bool:
        """Begin a step, or go on waiting in it; tell whether it is over."""
        if self._until is None:
            if (needed := step.get("only_if")) and not self._matches(needed):
                return True
            self._until = time.monotonic() + float(step.get("seconds", 60.0))
            self._act(step)
        if pattern := step.get("wait_for"):
            found = bool(self._matches(pattern) - self._seen[pattern])
            return found or time.monotonic() >= self._until
        acted = step.get("write") or step.get("signal")
        return bool(acted) or time.monotonic() >= self._until

    def _act(self, step: Step) -> None:
        """Write the file and send the signal that a step asks for."""
        if step.get("write"):
            path, text = step["write"]
            target = self._workspace / path
            target.parent.mkdir(parents=True, exist_ok=True)
            records.place(target, text.replace("{n}", str(self._number)))
        if step.get("signal"):
            self._signal_main(Signals[step["signal"]])

    def _matches(self, pattern: str) -> set[tuple[str, int]]:
        """Return the matches with their times of change: a file written anew counts as new."""
        found = set()
        for name in glob.iglob(
            pattern, root_dir=self._workspace, recursive=True, include_hidden=True
        ):
            try:
                found.add((name, os.stat(self._workspace / name).st_mtime_ns))
            except OSError:
                continue
        return found
