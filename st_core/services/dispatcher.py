"""The dispatcher: claims what may start and starts it through its provider, each start in a thread
of a pool.

Between the claim and the record lies the outside world. Whatever dies in between, the attempt's key
lets `watcher` ask the provider what became of it.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask, current_app

from ..actor import Actor, acting
from ..clock import now
from ..contracts import Order
from ..db import db, unit_of_work
from ..errors import StError
from ..failpoints import failpoint
from ..models import Job, JobState
from ..plugins import current_plugins
from . import claims, endings, jobs, registries, tasks, workspaces

log = logging.getLogger(__name__)
STARTERS = 8
_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


def run() -> None:
    """Service: claim and start until nothing may start now."""
    process_now()


def process_now() -> list[int]:
    """Claim and start what may start; return the numbers of those jobs."""
    started = []
    while (claimed := claims.claim()) is not None:
        job, attempt = claimed
        failpoint("dispatch.after_claim")
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        _starters().submit(_in_context, app, job.id, attempt.number)
        started.append(job.id)
    return started


def _starters() -> ThreadPoolExecutor:
    """Return this process's pool of starters."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(STARTERS, thread_name_prefix="start")
        return _pool


def _in_context(app: Flask, job_id: int, number: int) -> None:
    """Start one attempt in an application context of its own."""
    with app.app_context(), acting(Actor(name="dispatcher", door="service")):
        try:
            start(job_id, number)
        except Exception:
            log.exception(
                "starting job %s failed; its lease runs out and the provider is asked", job_id
            )


def start(job_id: int, number: int) -> None:
    """Start the attempt we claimed, and record that it runs.

    A provider that says nothing was started fails or requeues the attempt; any other trouble is
    left to the watcher, which asks the provider by the attempt's key.
    """
    job = db.session.get(Job, job_id)
    if job is None or job.state is not JobState.STARTING or job.attempt != number:
        return
    provider = registries.provider(job.provider)
    fence = 1  # a fresh claim's; whoever takes the attempt over raises it
    try:
        order = order_for(job)
        environment = current_plugins().job_environment(job)
        db.session.rollback()  # nothing of the database is held while we are outside
        failpoint("dispatch.before_start")
        state = provider.start(order, environment)
    except StError as error:  # said on purpose: nothing was started
        endings.not_started(job_id, number, fence, error.detail)
        return
    failpoint("dispatch.after_start")
    record_started(job_id, number, fence, state)


def record_started(job_id: int, number: int, fence: int, state: dict[str, Any]) -> bool:
    """Command: the attempt runs; tell whether the record was ours to make (a newer fence refuses
    it)."""
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(job_id)
        attempt = jobs.current_attempt(job)
        if attempt is None or attempt.number != number or attempt.fence != fence:
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
