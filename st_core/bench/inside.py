"""Measurements inside one process: the dispatcher's decision, and the cost of starting up."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from flask import Flask

from ..db import db
from ..models import JobState
from ..progress.readings import Phase, Progress
from ..services import claims, dispatcher, endings
from ..testing.fakes import PROVIDERS
from . import filling

START_UP = """
import time; begun = time.perf_counter()
from st_core import create_app
app = create_app(); made = time.perf_counter() - begun
from st_core.boot import boot, shut_down
boot(app); time.sleep(1.5)
import psutil; print(made, psutil.Process().memory_info().rss)
shut_down(app)
"""


@dataclass(frozen=True)
class Dispatching:
    """What dispatching cost: one decision in milliseconds (median), and starts a second."""

    decision_ms: float
    starts_per_second: float


def dispatching(app: Flask, waiting: int, people: int, rounds: int) -> Dispatching:
    """Measure decisions and starts with `waiting` jobs of `people` users in the queue and limits
    active.

    The provider answers at once. Each round claims and starts one job, then ends it, so that the
    limits stay active.
    """
    app.extensions["st"].providers.update({one.name: one for one in PROVIDERS})
    filling.jobs(app, waiting, JobState.QUEUED, filling.people(app, people), "instant")
    decisions, starts = [], []
    with app.app_context():
        for _ in range(rounds):
            begun = time.perf_counter()
            claimed = claims.claim()
            decided = time.perf_counter()
            if claimed is None:
                raise RuntimeError(
                    "nothing could be claimed: the limits are wrong for this measurement"
                )
            job_id, number = claimed.job_id, claimed.number
            again = time.perf_counter()
            dispatcher.start(job_id, number)
            started = time.perf_counter()
            decisions.append(decided - begun)
            starts.append(decided - begun + started - again)
            endings.finish(job_id, number, 1, Progress(Phase.COMPLETED, message="measured"))
            db.session.rollback()
    return Dispatching(statistics.median(decisions) * 1000, 1 / statistics.mean(starts))


def start_up() -> tuple[float, float]:
    """Return seconds for import and `create_app` with every plugin, and MiB resident after boot."""
    best, memory = 1e9, 0.0
    for _ in range(3):
        told = subprocess.run(
            [sys.executable, "-c", START_UP], capture_output=True, text=True, check=True
        )
        seconds, resident = told.stdout.split()[-2:]
        best, memory = min(best, float(seconds)), int(resident) / 2**20
    return best, memory
