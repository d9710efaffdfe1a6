"""Let the server's own work happen now, in the test's thread, instead of some time later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from flask import Flask

from ..actor import Actor, acting
from ..contracts import JobState, Service
from ..db import db
from ..models import Job, User
from ..services import deliveries, dispatcher, submission, users, watcher

RUN_SECONDS = 60.0


def run_once(app: Flask, names: Sequence[str] = ()) -> None:
    """Run services once each in their order: those named, else all that do not run for ever.

    Returns when the starts and questions to providers that they handed to other threads are done.
    Raises KeyError for a name that no service has.
    """
    services: dict[str, Service] = {each.name: each for each in app.extensions["st"].services}
    for name in names or [each.name for each in services.values() if not each.forever]:
        with app.app_context(), acting(Actor(name=f"service {name}", door="service")):
            services[name].run()
        settle()


def settle() -> None:
    """Wait until no start and no question to a provider is under way in this process."""
    for module in (dispatcher, watcher, deliveries):
        module.lanes.drain()


def deliver_all(app: Flask) -> None:
    """Deliver every event that is due to every subscriber."""
    with app.app_context():
        deliveries.deliver_due()


def submit_job(app: Flask, **draft: Any) -> str:
    """Submit a job as the local owner and return its number.

    Keywords are those of `submission.Draft`; without any, the zoo's instant provider runs it.
    """
    asked = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}} | draft
    with app.app_context():
        owner_id = users.local_owner().id
    with app.app_context():
        viewer = users.viewer_of(db.session.get_one(User, owner_id), "local")
        return str(submission.submit(viewer, submission.Draft(**asked)).job.id)


def finish_job(app: Flask, job_id: str) -> None:
    """Let the server's services run until a job has ended, and everybody has heard of it.

    Raises TimeoutError when it has not ended within a minute.
    """
    end = time.monotonic() + RUN_SECONDS
    while not state_of(app, job_id).is_final:
        if time.monotonic() > end:
            raise TimeoutError(f"job {job_id} is still {state_of(app, job_id)}")
        run_once(app, ("dispatch", "watch"))
        time.sleep(0.02)
    deliver_all(app)


def state_of(app: Flask, job_id: int | str) -> JobState:
    """Return the state of a job."""
    with app.app_context():
        return db.session.get_one(Job, int(job_id)).state
