"""The watcher: asks providers how attempts stand, records it, and takes over what a dead process
left behind.

An attempt has one watcher at a time: its *lease*. Taking over an expired lease raises the attempt's
*fence*, so that whatever its former holder still writes is refused.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import ColumnElement, case, exists, or_, select, update

from ..actor import Actor, acting
from ..clock import now
from ..contracts import Provider
from ..db import db, unit_of_work
from ..errors import StError
from ..failpoints import failpoint
from ..models import Attempt, Job, JobState
from . import dispatcher, endings, keyed, leases, registries, settings, tasks, workspaces
from .lanes import Lanes

log = logging.getLogger(__name__)
BATCH = 200
#: Pause after a question that a provider could not answer.
TROUBLE_SECONDS = 5.0
NO_PROVIDER_SECONDS = 60.0
lanes = Lanes("watch", width=8, depth=50)


def run() -> None:
    """Service: look after every attempt that is due, in a thread of its provider's lane."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    me = leases.process_name()
    for attempt_id, fence, owner, provider in _due():
        if provider in lanes.full():
            continue
        if owner != me:
            if not _take_over(attempt_id, fence):
                continue  # somebody else was first
            failpoint("watch.after_take_over")
            fence += 1
        lanes.offer(
            provider, attempt_id, partial(_in_context, app, attempt_id, fence), partial(_again, app)
        )


def _again(app: Flask) -> None:
    """Let the watcher look again: a lane that was full has room."""
    with app.app_context():
        tasks.wake("watch")


def _due() -> list[tuple[int, int, str | None, str]]:
    """Return (attempt, fence, holder, provider) of what is due and ours, or nobody's any more; the
    longest due first."""
    moment = now()
    wanted = (
        select(Attempt.id, Attempt.fence, Attempt.lease_owner, Job.provider)
        .join(Job, Job.id == Attempt.job_id)
        .where(
            Attempt.ended_at.is_(None),
            Attempt.next_poll_at <= moment,
            Attempt.id.not_in(lanes.taken()),
            Job.provider.not_in(lanes.full()),
            or_(Attempt.lease_owner == leases.process_name(), _is_free()),
        )
        .order_by(Attempt.next_poll_at, Attempt.id)
        .limit(BATCH)
    )
    found = [(one, fence, owner, place) for one, fence, owner, place in db.session.execute(wanted)]
    db.session.rollback()
    return found


def _is_free() -> ColumnElement[bool]:
    """Return the SQL criterion of attempts that anybody may take over."""
    return or_(Attempt.lease_owner.is_(None), Attempt.lease_expires_at <= now())


def _take_over(attempt_id: int, fence: int) -> bool:
    """Command: become the attempt's watcher; tell whether we did (somebody else may have been
    first)."""
    until = now() + timedelta(seconds=settings.value("jobs.lease_seconds"))
    with unit_of_work():
        taken = db.session.execute(
            update(Attempt)
            .where(
                Attempt.id == attempt_id,
                Attempt.fence == fence,
                Attempt.ended_at.is_(None),
                _is_free(),
            )
            .values(fence=fence + 1, lease_owner=leases.process_name(), lease_expires_at=until)
        )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def _in_context(app: Flask, attempt_id: int, fence: int) -> None:
    """Look after one attempt in an application context of its own."""
    with app.app_context(), acting(Actor(name="watcher", door="service")):
        try:
            look_after(attempt_id, fence)
        except Exception:
            log.exception("watching attempt %s failed; it is looked at again", attempt_id)
            db.session.rollback()
            _later(attempt_id, fence, TROUBLE_SECONDS)


def look_after(attempt_id: int, fence: int) -> None:
    """Ask the provider about one attempt and record the answer; adopt one whose start was never
    recorded."""
    attempt = db.session.get(Attempt, attempt_id, populate_existing=True)
    job = db.session.get(Job, attempt.job_id, populate_existing=True) if attempt else None
    if attempt is None or job is None or attempt.fence != fence or attempt.ended_at:
        return
    if job.provider not in registries.providers():
        _later(attempt_id, fence, NO_PROVIDER_SECONDS)
        return
    state, wants_end = attempt.provider_state, job.cancel_requested_at is not None
    job_id, number, key = job.id, attempt.number, f"{job.key}-{attempt.number}"
    folder, starting = workspaces.of(job), job.state is JobState.STARTING
    earlier, provider = dict(attempt.progress), registries.provider(job.provider)
    try:
        provider = keyed.for_job(job)
        db.session.rollback()  # outside from here on
        if starting or state is None:
            _adopt(provider, job_id, number, fence, provider.find(key, folder))
            return
        if wants_end:
            provider.stop(state)
        progress = provider.poll(state)
    except StError as error:
        log.warning("provider %s: %s", provider.name, error.detail)
        _later(attempt_id, fence, max(provider.poll_seconds, TROUBLE_SECONDS))
        return
    failpoint("watch.after_poll")
    if progress.phase.is_final:
        endings.finish(job_id, number, fence, progress)
    else:
        told = endings.plain(progress, earlier)
        changed = told if told != earlier else None
        _later(attempt_id, fence, _pause(provider), changed, knows_end=wants_end)


def _adopt(
    provider: Provider, job_id: int, number: int, fence: int, state: dict[str, Any] | None
) -> None:
    """Record a start that was made but never recorded, or give it up when there is none."""
    if state is None:
        endings.lost_start(job_id, number, fence)
    else:
        log.info("adopted job %s, attempt %s, through provider %s", job_id, number, provider.name)
        dispatcher.record_started(job_id, number, fence, state)


def _pause(provider: Provider) -> float:
    """Return the seconds until the next question: the provider's own, else the deployment's."""
    return provider.poll_seconds or settings.value("background.job_status_polling.interval_seconds")


def _later(
    attempt_id: int,
    fence: int,
    seconds: float,
    progress: dict[str, Any] | None = None,
    *,
    knows_end: bool = True,
) -> None:
    """Command: set the next look and renew the lease, with new progress if there is any.

    When somebody asked for an end while we looked (we did not know), the next look is at once.
    """
    moment = now()
    next_look = moment + timedelta(seconds=seconds)
    asked = exists().where(Job.id == Attempt.job_id, Job.cancel_requested_at.is_not(None))
    values: dict[str, Any] = {
        "next_poll_at": next_look if knows_end else case((asked, moment), else_=next_look),
        "lease_expires_at": next_look + timedelta(seconds=settings.value("jobs.lease_seconds")),
        "polled_at": moment,
    }
    if progress is not None:
        values |= {"progress": progress, "progress_at": moment}
    with unit_of_work():
        db.session.execute(
            update(Attempt).where(Attempt.id == attempt_id, Attempt.fence == fence).values(values)
        )
    if progress is not None:
        tasks.wake("progress")


# ── between processes ─────────────────────────────────────────────────────────────────────────────


def release() -> None:
    """Command: hand over every attempt of this process at once, so that another need not wait
    for our end. No start and no question may be under way any more."""
    _let_go(Attempt.lease_owner == leases.process_name())


def take_from_the_dead() -> None:
    """Command: free what processes of this machine held that are no more; we need not wait for
    the end of their leases."""
    owners = select(Attempt.lease_owner).where(
        Attempt.ended_at.is_(None), Attempt.lease_owner.is_not(None)
    )
    dead = [owner for owner in set(db.session.scalars(owners)) if owner and leases.is_dead(owner)]
    if dead:
        _let_go(Attempt.lease_owner.in_(dead))


def _let_go(whose: ColumnElement[bool]) -> None:
    with unit_of_work():
        db.session.execute(
            update(Attempt)
            .where(Attempt.ended_at.is_(None), whose)
            .values(lease_owner=None, lease_expires_at=None, next_poll_at=now())
        )
