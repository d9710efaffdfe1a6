"""Processes that write entries, some of which are taken back.

`log_writer.py <processes> <units of each process>`
"""

from __future__ import annotations

import random
import sys

from flask import Flask

from st_core.app import create_app
from st_core.db import unit_of_work
from tests.core.processes import crew
from tests.plugins.audit.logs import pause


class TakenBack(Exception):
    """Ends a unit of work without a trace."""


def write(app: Flask, seed: int) -> int:
    """Write one to four entries in a unit of work; take some back. Return how many remain."""
    count = random.Random(seed).randint(1, 4)
    with app.app_context():
        try:
            with unit_of_work():
                for part in range(count):
                    pause(seed, part)
                if seed % 4 == 0:
                    raise TakenBack
        except TakenBack:
            return 0
    return count


def main(processes: int, units: int) -> None:
    """Write and report how many entries remain."""
    app = create_app({"plugins.enabled": ["audit"], "audit.checkpoint_entries": 25})

    def work(number: int) -> int:
        return sum(write(app, number * units + one) for one in range(units))

    crew(processes, work)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
