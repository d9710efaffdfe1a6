"""The dispatcher: claims what may start and starts it through its provider, each start in a thread
of the provider's own lane.

Between the claim and the record lies the outside world. Whatever dies in between, the attempt's key
lets `watcher` ask the provider what became of it.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select, update

from ..actor import Actor, acting
from ..clock import now
from ..contracts import Order, Provider
from ..db import db, retried, unit_of_work
from ..errors import StError
from ..failpoints import failpoint
from ..models import Attempt, Job, JobState
from ..plugins import current_plugins
from . import claims, endings, jobs, keyed, registries, tasks, workspaces
from .lanes import Lanes

log = logging.getLogger(__name__)
#: A job is claimed only when a thread is free to start it: the lease of its attempt begins then.
lanes = Lanes("start", width=8, depth=8)
#: The fence of a fresh claim; whoever takes the attempt over raises it.
FRESH = 1


def run() -> None:
    """Service: claim and start until nothing may start now."""
    process_now()


def process_now() -> list[int]:
    """Claim and start what may start; return the numbers of those jobs."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    started = []
    while (claimed := claims.claim(lanes.full())) is not None:
        failpoint("dispatch.after_claim")
        work = partial(_start_in_context, app, claimed.job_id, claimed.number)
        lanes.offer(claimed.provider, claimed.job_id, work, partial(_room_again, app))
        started.append(claimed.job_id)
    return started


def _start_in_context(app: Flask, job_id: int, number: int) -> None:
    """Start one attempt in an application context of its own."""
    with app.app_context(), acting(Actor(name="dispatcher", door="service")):
        try:
            start(job_id, number)
        except Exception:
            log.exception(
                "job %s, attempt %s: the provider is asked what came of it", job_id, number
            )
            _ask_soon(job_id, number)


def _room_again(app: Flask) -> None:
    """Let the dispatcher look again: a lane that was full has room."""
    with app.app_context():
        tasks.wake("dispatch")


def start(job_id: int, number: int) -> None:
    """Start the attempt we claimed, and record that it runs.

    A provider that says nothing was started fails or requeues the attempt; any other trouble is
    left to the watcher, which asks the provider by the attempt's key.
    """
    job = db.session.get(Job, job_id)
    if job is None or job.state is not JobState.STARTING or job.attempt != number:
        return
    try:
        provider = registries.provider(job.provider)
        order, environment = _prepare(job)
        db.session.rollback()  # nothing of the database is held while we are outside
        failpoint("dispatch.before_start")
        state = provider.start(order, environment)
    except StError as error:  # said on purpose: nothing was started
        endings.not_started(job_id, number, FRESH, error.detail, error.code)
        return
    failpoint("dispatch.after_start")
    if not record_started(job_id, number, FRESH, state):
        _end_if_unwanted(keyed.speaking(provider, environment), job_id, number, state)


def _prepare(job: Job) -> tuple[Order, dict[str, str]]:
    """Return order and environment. Raises StError, for whatever trouble: nothing was started."""
    if job.cancel_requested_at is not None:
        raise StError("it was cancelled before it was started")
    try:
        return order_for(job), current_plugins().job_environment(job)
    except StError:
        raise
    except Exception as error:
        log.exception("job %s cannot be prepared for its start", job.id)
        raise StError(f"{type(error).__name__}: {error}") from error


@retried
def record_started(job_id: int, number: int, fence: int, state: dict[str, Any]) -> bool:
    """Command: the attempt runs; tell whether the record was ours to make (a newer fence refuses
    it)."""
    with unit_of_work(gate="dispatch"):
        job = jobs.find_locked(job_id)
        attempt = jobs.current_attempt(job) if job else None
        if job is None or attempt is None or attempt.number != number or attempt.fence != fence:
            return False
        if job.state is not JobState.STARTING:
            return False
        attempt.provider_state = state
        attempt.started_at = attempt.next_poll_at = now()
        jobs.move(
            job,
            JobState.RUNNING,
            message=f"attempt {number}",
            data={"attempt": number, "resume_from": attempt.resume_from},
        )
    tasks.wake("watch", "progress")
    return True


def _end_if_unwanted(provider: Provider, job_id: int, number: int, state: dict[str, Any]) -> None:
    """Stop what we started if its attempt was given up meanwhile; if it was adopted, leave it."""
    given_up = select(Attempt.id).where(
        Attempt.job_id == job_id, Attempt.number == number, Attempt.ended_at.is_(None)
    )
    wanted = db.session.scalar(given_up) is not None
    db.session.rollback()
    if not wanted:
        log.warning("job %s, attempt %s was given up while it was started: ended", job_id, number)
        provider.stop(state)


def _ask_soon(job_id: int, number: int) -> None:
    """Command: let the watcher ask the provider now; no start is under way any more."""
    with unit_of_work():
        db.session.execute(
            update(Attempt)
            .where(
                Attempt.job_id == job_id,
                Attempt.number == number,
                Attempt.fence == FRESH,
                Attempt.ended_at.is_(None),
            )
            .values(next_poll_at=now())
        )
    tasks.wake("watch")


def order_for(job: Job) -> Order:
    """Return everything the provider needs; the workspace and the admitted config are on disk
    afterwards."""
    trainer = registries.trainer(job.trainer)
    folder = workspaces.prepare(job)
    checkpoint = job.resume_from or job.start_from_checkpoint
    if checkpoint:
        launch = trainer.resume(job.config, folder, checkpoint)
    else:
        launch = trainer.launch(job.config, folder)
    return Order(
        key=job.attempt_key,
        job_id=job.id,
        job_key=job.key,
        attempt=job.attempt,
        workspace=folder,
        trainer=job.trainer,
        config=job.config,
        launch=launch,
        hardware=job.hardware,
        devices=tuple(job.devices or ()),
        resume_from=job.resume_from,
        time_limit_seconds=job.time_limit_seconds,
    )
