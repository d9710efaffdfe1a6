"""The watcher: asks providers how attempts stand, records it, and takes over what a dead process
left behind.

An attempt has one watcher at a time: its *lease*. Taking over an expired lease raises the attempt's
*fence*, so that whatever its former holder still writes is refused.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import or_, select, update

from ..actor import Actor, acting
from ..clock import now
from ..contracts import Provider
from ..db import db, unit_of_work
from ..errors import StError
from ..failpoints import failpoint
from ..models import Attempt, Job, JobState
from ..progress.readings import Progress
from . import dispatcher, endings, registries, settings, tasks, workspaces

log = logging.getLogger(__name__)
POLLERS = 8
BATCH = 50
_pool: ThreadPoolExecutor | None = None
_busy: set[int] = set()
_lock = threading.Lock()


def run() -> None:
    """Service: look after every attempt that is due, each in a thread of its own."""
    for attempt_id, fence in _due():
        with _lock:
            if attempt_id in _busy:
                continue
            _busy.add(attempt_id)
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        _pollers().submit(_in_context, app, attempt_id, fence)


def _pollers() -> ThreadPoolExecutor:
    """Return this process's pool of pollers; a provider that hangs keeps one thread, not the
    others."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(POLLERS, thread_name_prefix="watch")
        return _pool


def _due() -> list[tuple[int, int]]:
    """Command: return (attempt, fence) of what is due and ours, or whose holder is gone and
    which we take over."""
    me, moment = tasks.process_name(), now()
    wanted = (
        select(Attempt.id, Attempt.fence, Attempt.lease_owner)
        .where(
            Attempt.ended_at.is_(None),
            Attempt.next_poll_at <= moment,
            or_(
                Attempt.lease_owner == me,
                Attempt.lease_owner.is_(None),
                Attempt.lease_expires_at <= moment,
            ),
        )
        .limit(BATCH)
    )
    found = list(db.session.execute(wanted))
    db.session.rollback()
    ours = [(attempt_id, fence) for attempt_id, fence, owner in found if owner == me]
    for attempt_id, fence, owner in found:
        if owner != me and _take_over(attempt_id, fence):
            ours.append((attempt_id, fence + 1))
    return ours


def _take_over(attempt_id: int, fence: int) -> bool:
    """Command: become the attempt's watcher; tell whether we did (somebody else may have been
    first)."""
    until = now() + timedelta(seconds=settings.value("jobs.lease_seconds"))
    with unit_of_work():
        taken = db.session.execute(
            update(Attempt)
            .where(Attempt.id == attempt_id, Attempt.fence == fence, Attempt.ended_at.is_(None))
            .values(fence=fence + 1, lease_owner=tasks.process_name(), lease_expires_at=until)
        )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def _in_context(app: Flask, attempt_id: int, fence: int) -> None:
    """Look after one attempt in an application context of its own."""
    try:
        with app.app_context(), acting(Actor(name="watcher", door="service")):
            look_after(attempt_id, fence)
    except Exception:
        log.exception("watching attempt %s failed; it is looked at again", attempt_id)
    finally:
        with _lock:
            _busy.discard(attempt_id)


def look_after(attempt_id: int, fence: int) -> None:
    """Ask the provider about one attempt and record the answer; adopt one whose start was never
    recorded."""
    attempt = db.session.get(Attempt, attempt_id, populate_existing=True)
    job = db.session.get(Job, attempt.job_id, populate_existing=True) if attempt else None
    if attempt is None or job is None or attempt.fence != fence or attempt.ended_at:
        return
    provider = registries.providers().get(job.provider)
    if provider is None:
        _later(attempt_id, fence, None, 60.0)
        return
    state, wants_end = attempt.provider_state, job.cancel_requested_at is not None
    job_id, number, key = job.id, attempt.number, f"{job.key}-{attempt.number}"
    folder, starting = workspaces.of(job), job.state is JobState.STARTING
    earlier = dict(attempt.progress)
    db.session.rollback()  # outside from here on
    try:
        if starting or state is None:
            _adopt(provider, job_id, number, fence, provider.find(key, folder))
            return
        if wants_end:
            provider.stop(state)
        progress = provider.poll(state)
    except StError as error:
        log.warning("provider %s: %s", provider.name, error.detail)
        _later(attempt_id, fence, None, max(provider.poll_seconds, 5.0))
        return
    failpoint("watch.after_poll")
    if progress.phase.is_final:
        endings.finish(job_id, number, fence, progress)
    else:
        _note(attempt_id, fence, progress, earlier, provider)


def _adopt(
    provider: Provider, job_id: int, number: int, fence: int, state: dict[str, Any] | None
) -> None:
    """Record a start that was made but never recorded, or give it up when there is none."""
    if state is None:
        endings.lost_start(job_id, number, fence)
    else:
        log.info("adopted job %s, attempt %s, through provider %s", job_id, number, provider.name)
        dispatcher.record_started(job_id, number, fence, state)


def _note(
    attempt_id: int, fence: int, progress: Progress, earlier: dict[str, Any], provider: Provider
) -> None:
    """Record progress if it changed, and keep the lease."""
    told = endings.plain(progress, earlier)
    changed = told != earlier
    _later(attempt_id, fence, told if changed else None, _pause(provider))
    if changed:
        tasks.wake("progress")


def _pause(provider: Provider) -> float:
    """Return the seconds until the next question: the provider's own, else the deployment's."""
    return provider.poll_seconds or settings.value("background.job_status_polling.interval_seconds")


def _later(attempt_id: int, fence: int, progress: dict[str, Any] | None, seconds: float) -> None:
    """Command: set the next look and renew the lease, with new progress if there is any."""
    moment = now()
    values: dict[str, Any] = {
        "next_poll_at": moment + timedelta(seconds=seconds),
        "lease_expires_at": moment
        + timedelta(seconds=settings.value("jobs.lease_seconds") + seconds),
        "polled_at": moment,
    }
    if progress is not None:
        values |= {"progress": progress, "progress_at": moment}
    with unit_of_work():
        db.session.execute(
            update(Attempt).where(Attempt.id == attempt_id, Attempt.fence == fence).values(values)
        )


def release() -> None:
    """Command: hand over every attempt of this process at once, so that another need not wait
    for our end."""
    with unit_of_work():
        db.session.execute(
            update(Attempt)
            .where(
                Attempt.ended_at.is_(None),
                Attempt.lease_owner == tasks.process_name(),
                Attempt.provider_state.is_not(None),
            )
            .values(lease_owner=None, lease_expires_at=None, next_poll_at=now())
        )
