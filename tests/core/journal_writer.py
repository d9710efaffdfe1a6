"""Processes that write events and take some of them back.

`journal_writer.py <processes> <threads> <units of each process>`
"""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from st_core.app import create_app
from st_core.db import unit_of_work
from st_core.services import events
from tests.core.processes import crew


class TakenBack(Exception):
    """Ends a unit of work without a trace."""


def write(app: Flask, seed: int) -> int:
    """Emit one to four events in a unit of work; take every third back. Return how many remain."""
    count = random.Random(seed).randint(1, 4)
    with app.app_context():
        try:
            with unit_of_work():
                for part in range(count):
                    events.emit(
                        "queue.paused", subject=("unit", seed), data={"part": part, "of": count}
                    )
                if seed % 3 == 0:
                    raise TakenBack
        except TakenBack:
            return 0
    return count


def main(processes: int, threads: int, units: int) -> None:
    """Write and report how many events remain."""
    app = create_app({"plugins.enabled": []})

    def work(number: int) -> int:
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(lambda seed: write(app, number * units + seed), range(units)))

    crew(processes, work)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
