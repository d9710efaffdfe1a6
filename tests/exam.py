"""The exam: the same tests with the full counts of the issues, and a record of what they ran.

`make exam` sets `ST_EXAM=1`; `ST_EXAM_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import time

import pytest

IS_EXAM = os.environ.get("ST_EXAM") == "1"
SEED = int(os.environ.get("ST_EXAM_SEED") or time.time())


class Exam:
    """One test's counts; what it asked for is told at the end of the run."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self.random = random.Random(f"{SEED} {item.nodeid}")

    def count(self, what: str, small: int, full: int) -> int:
        """Return how many of `what` to do: `small`, or `full` in the exam."""
        chosen = full if IS_EXAM else small
        self._item.user_properties.append(("exam", f"{what}: {chosen}"))
        return chosen

    def tell(self, found: str) -> None:
        """Let the record say what was measured; nothing is asserted of it."""
        self._item.user_properties.append(("exam", found))


def report(reporter: pytest.TerminalReporter) -> None:
    """Write one line per test that has counts, with its seconds and the seed."""
    if not IS_EXAM:
        return
    lines = []
    for outcome in ("passed", "failed"):
        for each in reporter.getreports(outcome):
            counts = [value for name, value in each.user_properties if name == "exam"]
            if each.when == "call" and counts:
                lines.append(f"{each.nodeid}: {', '.join(map(str, counts))}; {each.duration:.1f} s")
    reporter.section(f"exam (seed {SEED})")
    for line in sorted(lines):
        reporter.write_line(line)
