"""Expiry: requests that nobody answered in time end, and their jobs are cancelled."""

from __future__ import annotations

import threading

from sqlalchemy import select

from st_core.clock import now
from st_core.contracts import JobState, Service
from st_core.db import db, retried, unit_of_work
from st_core.models import Job
from st_core.services import events, jobs, settings

from . import requests
from .models import ApprovalsRequest
from .requests import PENDING
from .settings import CHECK_SECONDS

BATCH = 100
SAYS = "Nobody answered in time."


def sweep() -> int:
    """End every request that is past its time, however many; return how many ended."""
    ended = 0
    while batch := _due():
        ended += _expire(batch)
    return ended


def run(stop: threading.Event) -> None:
    """Sweep every `approvals.check_seconds` until `stop` is set."""
    while not stop.is_set():
        settings.refresh()
        sweep()
        db.session.remove()  # no connection is held while it waits
        stop.wait(settings.value(CHECK_SECONDS))


SERVICES = [Service("approvals expiry", run, forever=True)]


def _due() -> list[int]:
    """Return the jobs of the next requests that are past their time."""
    db.session.rollback()
    query = select(ApprovalsRequest.job_id).where(
        ApprovalsRequest.status == PENDING, ApprovalsRequest.expires_at <= now()
    )
    return sorted(db.session.scalars(query.order_by(ApprovalsRequest.expires_at).limit(BATCH)))


@retried
def _expire(job_ids: list[int]) -> int:
    """Command: end what these jobs ask, unless somebody was quicker."""
    ended = 0
    with unit_of_work(gate="dispatch"):
        for job_id in job_ids:
            job = jobs.find_locked(job_id)
            open_one = requests.pending_of(job_id)
            request = requests.lock(open_one.id) if open_one else None
            if request is None or request.status != PENDING or request.expires_at > now():
                continue
            _end(request, job)
            ended += 1
    return ended


def _end(request: ApprovalsRequest, job: Job | None) -> None:
    """Step: end one request and cancel its job."""
    requests.close(request, "expired", SAYS)
    if job is None or job.state is not JobState.PENDING_APPROVAL:
        return
    events.emit("approval.expired", job=job, message=SAYS, data={"request_id": request.id})
    jobs.move(job, JobState.CANCELLED, message=f"its approval request expired: {SAYS}")
    job.error_message = f"Approval request {request.id} expired. {SAYS} Retry it to ask again."
