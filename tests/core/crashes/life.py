"""A server's life for the crash tests, in a process of its own.

`life.py submit <draft as JSON>` admits one job; `life.py serve <seconds later>` runs the services
until every job has ended and every event was delivered, with the clock that much later; `life.py
look <seconds later>` runs them once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select

from st_core import boot, clock
from st_core.app import create_app
from st_core.db import db
from st_core.models import Delivery, Job
from st_core.models.states import FINAL
from st_core.services import submission, users
from st_core.testing import work
from tests.core.processes import report

END_SECONDS = 60.0


def submit(app: Flask, draft: str) -> None:
    """Admit a job as the local owner."""
    boot.prepare(app)
    with app.app_context():
        admitted = submission.submit(users.local_viewer(), submission.Draft(**json.loads(draft)))
        report({"job_id": admitted.job.id, "again": admitted.idempotent_hit})


def serve(app: Flask, later: str) -> None:
    """Run the services until nothing is left to do, then end in order."""
    clock.shift(timedelta(seconds=float(later)))
    boot.boot(app)
    end = time.monotonic() + END_SECONDS
    while (left := _left(app)) and time.monotonic() < end:
        time.sleep(0.02)
    boot.shut_down(app)
    report({"left": left})


def look(app: Flask, later: str) -> None:
    """Run each service once."""
    clock.shift(timedelta(seconds=float(later)))
    boot.prepare(app)
    work.run_once(app, ("watch", "dispatch", "deliver"))
    boot.shut_down(app)
    report({"left": _left(app)})


def _left(app: Flask) -> int:
    """Return how many jobs have not ended and how many due deliveries were not made."""
    with app.app_context():
        jobs = select(func.count(Job.id)).where(Job.state.not_in(FINAL))
        deliveries = select(func.count()).where(
            Delivery.state == "pending", Delivery.next_at <= clock.now()
        )
        return sum(db.session.scalar(query) or 0 for query in (jobs, deliveries))


def main(role: str, word: str) -> None:
    """Play a role."""
    plugins = os.environ["LIFE_PLUGINS"].split()
    app = create_app({"plugins.enabled": plugins, "jobs.lease_seconds": 1.0})
    {"submit": submit, "serve": serve, "look": look}[role](app, word)


if __name__ == "__main__":
    main(*sys.argv[1:])
