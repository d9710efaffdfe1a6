"""Requests: opened when a job begins to wait for people, closed when it waits no more.

What a request needs (level, number of people, end) stands in it from the start: rules that change
later do not change what was asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from st_core import actor as actors
from st_core.clock import now
from st_core.contracts import JobState
from st_core.db import assert_unit_of_work, db, unit_of_work
from st_core.errors import NotFound
from st_core.models import Job, User
from st_core.models.jobs import in_states
from st_core.services import admission, events, jobs, levels, settings

from .models import ApprovalsRequest
from .settings import REQUEST_HOURS

PENDING = "pending"
STATUSES = (PENDING, "approved", "rejected", "expired", "cancelled")
#: Where a job goes that stops waiting without a decision, and what its request says then.
WITHDRAWN = {
    JobState.NEW: "The job was edited, so this request is void; a new one is asked if need be.",
    JobState.CANCELLED: "The job was cancelled.",
    JobState.QUEUED: "The job was released without this request.",
}


def follow(job: Job, old: JobState, new: JobState) -> None:
    """Step: keep the request of a job that moves as the job now is."""
    if new is JobState.PENDING_APPROVAL:
        open_for(job)
    elif old is JobState.PENDING_APPROVAL and (request := pending_of(job.id)) is not None:
        close(request, "cancelled", WITHDRAWN[new])
        events.emit(
            "approval.cancelled",
            job=job,
            message=WITHDRAWN[new],
            data={"request_id": request.id},
        )


def open_for(job: Job) -> ApprovalsRequest:
    """Step: ask people about a job, as its demands say."""
    assert_unit_of_work()
    demands = job.demands or [{"reason": "approval is asked for"}]
    owner = db.session.get(User, job.user_id) if job.user_id else None
    request = ApprovalsRequest(
        job_id=job.id,
        user_id=job.user_id,
        username=owner.username if owner else "",
        org_id=job.org_id,
        team_id=job.team_id,
        rule_id=next((d["rule_id"] for d in demands if d.get("rule_id")), None),
        status=PENDING,
        reason="; ".join(demand["reason"] for demand in demands),
        matched=demands,
        approver_level=levels.highest(d.get("approver_level") or "lead" for d in demands),
        quorum=max(int(demand.get("quorum") or 1) for demand in demands),
        digest=admission.digest(job),
        job_name=job.name,
        provider=job.provider,
        config_name=job.config_name,
        hardware=job.hardware,
        gpu_count=job.gpu_count,
        estimated_cost_usd=job.estimated_cost_usd,
        expires_at=_expires_at(demands),
    )
    db.session.add(request)
    db.session.flush()
    events.emit(
        "approval.required",
        job=job,
        message=request.reason,
        data={
            "request_id": request.id,
            "approver_level": request.approver_level,
            "quorum": request.quorum,
            "expires_at": request.expires_at.isoformat(),
        },
    )
    return request


def close(request: ApprovalsRequest, status: str, notes: str) -> None:
    """Step: end a request with a status and what is to be said of it."""
    who = actors.current()
    request.status, request.review_notes = status, notes or None
    request.reviewed_at = now()
    request.reviewed_by, request.reviewer = who.user_id, who.name[:50]
    db.session.flush()


def lock(request_id: int) -> ApprovalsRequest:
    """Step: return a request, locked until the unit of work ends; its job is locked before it.

    Raises NotFound.
    """
    assert_unit_of_work()
    request = db.session.get(
        ApprovalsRequest, request_id, with_for_update=True, populate_existing=True
    )
    if request is None:
        raise NotFound(f"there is no approval request {request_id}", code="request_not_found")
    return request


def pending_of(job_id: int) -> ApprovalsRequest | None:
    """Return the open request of a job."""
    query = select(ApprovalsRequest).where(
        ApprovalsRequest.job_id == job_id, ApprovalsRequest.status == PENDING
    )
    return db.session.scalar(query)


def reconcile() -> None:
    """Command: ask about jobs that began to wait while this plugin was switched off, and close the
    requests of jobs that stopped."""
    with unit_of_work(gate="dispatch"):
        waiting = select(Job.id).where(in_states((JobState.PENDING_APPROVAL,)))
        asked = select(ApprovalsRequest.job_id).where(ApprovalsRequest.status == PENDING)
        for job_id in list(db.session.scalars(waiting.where(Job.id.not_in(asked)))):
            open_for(jobs.lock(job_id))
        stale = select(ApprovalsRequest).where(
            ApprovalsRequest.status == PENDING, ApprovalsRequest.job_id.not_in(waiting)
        )
        for request in list(db.session.scalars(stale)):
            close(request, "cancelled", "The job stopped waiting while approvals were off.")
            events.emit(
                "approval.cancelled",
                subject=("approval_request", request.id),
                owner_id=request.user_id,
                team_id=request.team_id,
                org_id=request.org_id,
                message=request.review_notes or "",
                data={"request_id": request.id},
            )


def _expires_at(demands: list[dict[str, Any]]) -> datetime:
    """Return when a request ends: when the shortest of its demands does."""
    usual = now() + timedelta(hours=settings.value(REQUEST_HOURS))
    named = [datetime.fromisoformat(d["expires_at"]) for d in demands if d.get("expires_at")]
    if len(named) < len(demands):
        named.append(usual)
    return min(named)
