"""The one way a request is decided, whichever door the decision came through: the API, the queue,
a page, a command or a reply by e-mail.

Job and request are locked in that order, so of approving, rejecting, expiring, cancelling and
editing exactly one wins. An approval holds for one digest; a rejection by anybody ends the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from st_core import actor as actors
from st_core.clock import now
from st_core.contracts import JobState, Viewer
from st_core.db import db, retried, storable, unit_of_work
from st_core.errors import Conflict, Malformed, NotAllowed, StError
from st_core.models import Job
from st_core.services import admission, events, jobs, tasks

from . import inbox, persons, requests, voices
from .models import ApprovalsRequest, ApprovalsVote
from .requests import PENDING
from .voices import Voice

APPROVE, REJECT = "approve", "reject"
MOST_NOTE = 2000


@dataclass(frozen=True)
class Decided:
    """What became of a request: its status now, and how many of the people needed have approved."""

    request_id: int
    job_id: int
    status: str
    approvals: int
    quorum: int


@retried
def decide(
    viewer: Viewer,
    request_id: int,
    verdict: str,
    note: str = "",
    *,
    on_behalf_of: int | None = None,
    digest: str | None = None,
) -> Decided:
    """Command: say yes or no to a request; a no needs a `note`, which is its reason.

    With `digest` it only holds for what the viewer saw. Raises NotFound, NotAllowed (own job, level
    too low, not delegated), Malformed without a reason, Conflict when it is decided, expired or
    changed.
    """
    voices.require_any(viewer)
    if verdict == REJECT and not note.strip():
        raise Malformed(
            "a rejection needs a reason", fields=[{"path": "reason", "message": "missing"}]
        )
    job_id = inbox.get(viewer, request_id).job_id
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(job_id)
        request = requests.lock(request_id)
        _require_open(request, job, digest)
        voice = voices.choose(viewer, request, on_behalf_of)
        with actors.acting(_actor(voice)):
            _require_new(voice, request)
            _vote(voice, request, verdict, note)
            decided = _settle(request, job, verdict, storable(note, MOST_NOTE))
    if decided.status == "approved":
        tasks.wake("dispatch")
    return decided


def decide_many(
    viewer: Viewer, request_ids: Sequence[int], verdict: str, note: str = ""
) -> list[dict[str, Any]]:
    """Decide several requests one by one; return what became of each."""
    results = []
    for request_id in request_ids:
        try:
            decide(viewer, request_id, verdict, note)
        except StError as error:
            results.append({"request_id": request_id, "success": False, "error": error.detail})
        else:
            results.append({"request_id": request_id, "success": True, "error": None})
    return results


@retried
def cancel(viewer: Viewer, request_id: int) -> Decided:
    """Command: take a request back, which cancels its job; for the submitter and for approvers.

    Raises NotFound, NotAllowed, Conflict when it is decided.
    """
    seen = inbox.get(viewer, request_id)
    job_id = seen.job_id
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(job_id)
        request = requests.lock(request_id)
        if not jobs.may_on(viewer, job, "job.cancel") and not inbox.decides(viewer, request):
            raise NotAllowed("Only the submitter or an approver takes a request back.")
        _require_pending(request)
        requests.close(request, "cancelled", f"taken back by {viewer.username}")
        events.emit("approval.cancelled", job=job, data={"request_id": request.id})
        jobs.move(
            job,
            JobState.CANCELLED,
            message=f"its approval request was cancelled by {viewer.username}",
        )
        return _told(request)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _require_open(request: ApprovalsRequest, job: Job, seen_digest: str | None) -> None:
    """Pass while a request can be decided. Raises Conflict."""
    _require_pending(request)
    if request.expires_at <= now():
        raise Conflict(
            f"request {request.id} expired at {request.expires_at:%Y-%m-%d %H:%M} UTC; the job has "
            "to be submitted again",
            code="request_expired",
        )
    present = admission.digest(job)
    if request.digest != present or seen_digest not in (None, present):
        raise Conflict(
            f"job {job.id} is not what request {request.id} asks about any more; look again",
            code="changed_meanwhile",
        )


def _require_pending(request: ApprovalsRequest) -> None:
    """Pass while a request is open. Raises Conflict saying what became of it."""
    if request.status == PENDING:
        return
    newer = requests.pending_of(request.job_id)
    goes_on = f"; request {newer.id} took its place" if newer else ""
    by = f" by {request.reviewer}" if request.reviewer else ""
    raise Conflict(
        f"request {request.id} is {request.status} already{by}{goes_on}", code="request_decided"
    )


def _actor(voice: Voice) -> actors.Actor:
    """Return who acts: the person, whose name an e-mail's reader has to tell, for another maybe."""
    behalf = voice.on_behalf_of.user_id if voice.on_behalf_of else None
    return replace(
        actors.current(),
        name=voice.person.username,
        user_id=voice.person.user_id,
        on_behalf_of_id=behalf,
    )


def _votes(request: ApprovalsRequest) -> list[ApprovalsVote]:
    query = select(ApprovalsVote).where(ApprovalsVote.request_id == request.id)
    return list(db.session.scalars(query.order_by(ApprovalsVote.id)))


def _require_new(voice: Voice, request: ApprovalsRequest) -> None:
    """Pass when nobody of this voice has approved yet. Raises Conflict."""
    spoken = {one for vote in _votes(request) for one in (vote.user_id, vote.on_behalf_of)}
    if request.quorum > 1 and spoken & persons.selves(voice.ids):
        raise Conflict(
            f"You have approved request {request.id} already; {request.quorum} different people "
            "are needed.",
            code="already_voted",
        )


def _vote(voice: Voice, request: ApprovalsRequest, verdict: str, note: str) -> None:
    """Step: write down what somebody said."""
    behalf = voice.on_behalf_of
    vote = ApprovalsVote(
        request_id=request.id,
        user_id=voice.person.user_id,
        username=voice.person.username,
        on_behalf_of=behalf.user_id if behalf else None,
        on_behalf_of_name=behalf.username if behalf else None,
        verdict=verdict,
        note=storable(note, MOST_NOTE),
    )
    db.session.add(vote)
    db.session.flush()


def _settle(request: ApprovalsRequest, job: Job, verdict: str, note: str) -> Decided:
    """Step: let the vote just written take effect."""
    if verdict == REJECT:
        _reject(request, job, note)
    elif _approvals(request) >= request.quorum:
        _grant(request, job, note)
    else:
        events.emit(
            "approval.voted",
            job=job,
            message=f"{_approvals(request)} of {request.quorum} have approved",
            data={"request_id": request.id},
        )
    return _told(request)


def _grant(request: ApprovalsRequest, job: Job, note: str) -> None:
    """Step: the job goes on to the queue."""
    requests.close(request, "approved", note)
    job.approved_digest = request.digest
    events.emit("approval.granted", job=job, message=note, data=_data(request))
    jobs.move(job, JobState.QUEUED, message=f"approved by {request.reviewer}")


def _reject(request: ApprovalsRequest, job: Job, reason: str) -> None:
    """Step: the job is cancelled, and says why."""
    requests.close(request, "rejected", reason)
    events.emit("approval.rejected", job=job, message=reason, data=_data(request))
    jobs.move(job, JobState.CANCELLED, message=f"rejected by {request.reviewer}: {reason}")
    job.error_message = f"Rejected by {request.reviewer}: {reason}"


def _data(request: ApprovalsRequest) -> dict[str, Any]:
    return {
        "request_id": request.id,
        "digest": request.digest,
        "votes": [
            {"by": vote.username, "on_behalf_of": vote.on_behalf_of_name}
            for vote in _votes(request)
        ],
    }


def _approvals(request: ApprovalsRequest) -> int:
    """Return how many people's approvals count: those who could still give theirs."""
    votes = [vote for vote in _votes(request) if vote.verdict == APPROVE]
    return sum(voices.still_counts(vote, request) for vote in votes)


def _told(request: ApprovalsRequest) -> Decided:
    return Decided(request.id, request.job_id, request.status, _approvals(request), request.quorum)


class Desk:
    """Decides about a job by its number: the queue's door to `decide`."""

    def grant(self, viewer: Viewer, job_id: int, note: str = "") -> None:
        """Command: say yes to the open request of a job."""
        decide(viewer, inbox.open_request(job_id).id, APPROVE, note)

    def refuse(self, viewer: Viewer, job_id: int, reason: str) -> None:
        """Command: say no to the open request of a job."""
        decide(viewer, inbox.open_request(job_id).id, REJECT, reason)

    def request_of(self, job_id: int) -> int | None:
        """Return the number of the open request of a job."""
        request = requests.pending_of(job_id)
        return request.id if request else None

    def missing(self, job_id: int) -> str | None:
        """Return who must still say yes, None without an open request."""
        request = requests.pending_of(job_id)
        if request is None:
            return None
        more = max(request.quorum - _approvals(request), 0)
        return f"{more} more of level {request.approver_level} or above"
