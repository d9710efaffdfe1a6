"""Reading requests: those the viewer decides about, and their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from sqlalchemy import ColumnElement, false, func, or_, select

from st_core.clock import now
from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import Conflict, NotFound, SetTimeRule
from st_core.services import jobs

from . import voices
from .models import ApprovalsRequest, ApprovalsVote
from .requests import PENDING, STATUSES, pending_of

MOST_ANSWERS = 500


@dataclass(frozen=True)
class Found:
    """A page of requests, how many there are in all, and how many of them are open."""

    requests: Sequence[ApprovalsRequest]
    total: int
    pending_count: int


def listed(viewer: Viewer, *, status: str | None = None, limit: int = 50, offset: int = 0) -> Found:
    """Return requests the viewer decides about, open ones first, of each the newest first.

    Raises NotAllowed for somebody who decides none, SetTimeRule for an unknown status.
    """
    voices.require_any(viewer)
    return _page(_reachable(viewer), status, limit, offset)


def decided(
    viewer: Viewer, *, status: str | None = None, limit: int = 50, offset: int = 0
) -> Found:
    """Return what is open no more, the newest first. Raises as `listed` does."""
    voices.require_any(viewer)
    reachable = _reachable(viewer)
    found = _page(reachable & (ApprovalsRequest.status != PENDING), status, limit, offset)
    return Found(found.requests, found.total, _count(reachable, ApprovalsRequest.status == PENDING))


def median_answer_seconds(viewer: Viewer) -> float | None:
    """Return the usual time until an answer, over the last 30 days; None without one."""
    query = (
        select(ApprovalsRequest.created_at, ApprovalsRequest.reviewed_at)
        .where(
            _reachable(viewer),
            ApprovalsRequest.status.in_(("approved", "rejected")),
            ApprovalsRequest.created_at >= now() - timedelta(days=30),
        )
        .order_by(ApprovalsRequest.id.desc())
        .limit(MOST_ANSWERS)
    )
    rows = db.session.execute(query)
    took = [(answered - asked).total_seconds() for asked, answered in rows if answered]
    return median(took) if took else None


def own(viewer: Viewer, *, status: str | None = None, limit: int = 50, offset: int = 0) -> Found:
    """Return the viewer's own requests. Raises SetTimeRule for an unknown status."""
    return _page(ApprovalsRequest.user_id == viewer.user_id, status, limit, offset)


def pending_count(viewer: Viewer) -> int:
    """Return how many open requests the viewer decides about. Raises NotAllowed."""
    voices.require_any(viewer)
    return _count(_reachable(viewer), ApprovalsRequest.status == PENDING)


def get(viewer: Viewer, request_id: int) -> ApprovalsRequest:
    """Return a request that is the viewer's own or theirs to decide. Raises NotFound."""
    mine = ApprovalsRequest.user_id == viewer.user_id
    query = select(ApprovalsRequest).where(
        ApprovalsRequest.id == request_id, or_(mine, _reachable(viewer))
    )
    request = db.session.scalar(query)
    if request is None:
        raise NotFound(
            f"there is no approval request {request_id} that you can see",
            code="request_not_found",
        )
    return request


def require(viewer: Viewer) -> None:
    """Pass when the viewer decides requests at all. Raises NotAllowed."""
    voices.require_any(viewer)


def is_own(viewer: Viewer, request_id: int) -> bool:
    """Tell whether a request is the viewer's own."""
    query = select(ApprovalsRequest.id).where(
        ApprovalsRequest.id == request_id, ApprovalsRequest.user_id == viewer.user_id
    )
    return db.session.scalar(query) is not None


def of_job(viewer: Viewer, job_id: str) -> ApprovalsRequest:
    """Return the newest request of a job, for its submitter and those who decide it.

    Raises NotFound when there is none, or the viewer may not know of the job.
    """
    number = int(job_id) if job_id.isdecimal() and len(job_id) < 10 else 0
    mine = ApprovalsRequest.user_id == viewer.user_id
    query = (
        select(ApprovalsRequest)
        .where(ApprovalsRequest.job_id == number, or_(mine, _reachable(viewer)))
        .order_by(ApprovalsRequest.id.desc())
    )
    request = db.session.scalar(query.limit(1))
    if request is None:
        jobs.get(viewer, job_id)
        raise NotFound(
            f"nobody was asked about job {job_id}, or it is not yours to see",
            code="request_not_found",
        )
    return request


def open_request(job_id: int) -> ApprovalsRequest:
    """Return the open request of a job. Raises Conflict when none is open."""
    request = pending_of(job_id)
    if request is None:
        raise Conflict(f"job {job_id} does not wait for approval", code="invalid_job_state")
    return request


def votes_of(request_ids: Sequence[int]) -> dict[int, list[ApprovalsVote]]:
    """Return what was said to these requests, in order."""
    query = select(ApprovalsVote).where(ApprovalsVote.request_id.in_(request_ids))
    found: dict[int, list[ApprovalsVote]] = {}
    for vote in db.session.scalars(query.order_by(ApprovalsVote.id)):
        found.setdefault(vote.request_id, []).append(vote)
    return found


def decides(viewer: Viewer, request: ApprovalsRequest) -> bool:
    """Tell whether a request is within what the viewer decides about."""
    return any(
        reach.covers(None, request.team_id, request.org_id) for reach in voices.reaches(viewer)
    )


def is_open(request: ApprovalsRequest) -> bool:
    """Tell whether a request can still be decided; an expired one cannot, swept or not."""
    return request.status == PENDING and request.expires_at > now()


def _reachable(viewer: Viewer) -> ColumnElement[bool]:
    """Return the SQL criterion of what the viewer decides about."""
    columns = (ApprovalsRequest.user_id, ApprovalsRequest.team_id, ApprovalsRequest.org_id)
    parts = [reach.criterion(*columns) for reach in voices.reaches(viewer)]
    return or_(false(), *parts)


def _page(mine: ColumnElement[bool], status: str | None, limit: int, offset: int) -> Found:
    if status is not None and status not in STATUSES:
        raise SetTimeRule(
            f"{status[:50]!r} is no status of a request. There are: {', '.join(STATUSES)}.",
            code="unknown_status",
            fields=[{"path": "status", "message": "unknown"}],
        )
    wanted = (mine, ApprovalsRequest.status == status) if status else (mine,)
    is_pending = ApprovalsRequest.status == PENDING
    order = (is_pending.desc(), ApprovalsRequest.id.desc())
    query = select(ApprovalsRequest).where(*wanted).order_by(*order).limit(limit).offset(offset)
    rows = list(db.session.scalars(query))
    return Found(rows, _count(*wanted), _count(mine, is_pending))


def _count(*wanted: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count(ApprovalsRequest.id)).where(*wanted)) or 0
