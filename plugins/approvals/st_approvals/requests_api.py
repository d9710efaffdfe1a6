"""`/api/approvals/requests`: read requests and decide them, in every spelling of old clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from st_core.api.guard import current_viewer
from st_core.api.routing import SIGNED_IN, route
from st_core.contracts import Viewer

from . import deciding, expiry, inbox, rendering
from . import request_schemas as schemas
from .deciding import APPROVE, REJECT
from .rules_api import ROOT, blueprint
from .voices import RIGHTS

ONE = f"{ROOT}/requests/<int:request_id>"


@route(
    blueprint,
    [f"{ROOT}/requests", ROOT],
    permission=SIGNED_IN,
    summary="Requests the caller decides about (needs admin.approve, or a delegation)",
    query=schemas.RequestQuery,
    answers={200: schemas.Requests},
    errors=(400, 403),
)
def list_requests(query: schemas.RequestQuery) -> schemas.Requests:
    """List requests, open ones first."""
    status = "pending" if query.pending_only else query.status
    viewer = current_viewer()
    found = inbox.listed(viewer, status=status, limit=query.limit, offset=query.offset)
    return _listing(found, query)


@route(
    blueprint,
    f"{ROOT}/requests/pending/count",
    permission=SIGNED_IN,
    summary="How many requests wait for the caller (needs admin.approve, or a delegation)",
    answers={200: schemas.PendingCount},
    errors=(403,),
)
def pending_count() -> schemas.PendingCount:
    """Count open requests."""
    return schemas.PendingCount(pending_count=inbox.pending_count(current_viewer()))


@route(
    blueprint,
    f"{ROOT}/me",
    permission=SIGNED_IN,
    summary="The caller's own requests",
    query=schemas.RequestQuery,
    answers={200: schemas.Requests},
    errors=(400,),
)
def mine(query: schemas.RequestQuery) -> schemas.Requests:
    """List what the caller asked for."""
    status = "pending" if query.pending_only else query.status
    viewer = current_viewer()
    return _listing(inbox.own(viewer, status=status, limit=query.limit, offset=query.offset), query)


@route(
    blueprint,
    f"{ROOT}/requests/job/<job_id>",
    permission=SIGNED_IN,
    summary="The newest request of a job",
    answers={200: schemas.Request},
    errors=(404,),
)
def of_job(job_id: str) -> schemas.Request:
    """Return what was asked about a job, to its submitter and to approvers."""
    return rendering.request(inbox.of_job(current_viewer(), job_id))


@route(
    blueprint,
    [ONE, f"{ROOT}/<int:request_id>"],
    permission=SIGNED_IN,
    summary="One request (one's own, or with admin.approve)",
    answers={200: schemas.Request},
    errors=(403, 404),
)
def get_request(request_id: int) -> schemas.Request:
    """Return a request with what was said to it."""
    return rendering.request(_seen(current_viewer(), request_id))


@route(
    blueprint,
    f"{ONE}/context",
    permission=SIGNED_IN,
    summary="What an approver has to know of a request",
    answers={200: schemas.Context},
    errors=(403, 404),
)
def context(request_id: int) -> schemas.Context:
    """Tell the difference to the last approved job, the submitter's record, what waiting costs."""
    return rendering.context(_seen(current_viewer(), request_id))


@route(
    blueprint,
    [f"{ONE}/approve", f"{ROOT}/<int:request_id>/approve"],
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Approve a request (needs admin.approve and the request's level, or a delegation)",
    body=schemas.DecisionBody,
    answers={200: schemas.Decision},
    errors=(403, 404, 409),
)
def approve(request_id: int, body: schemas.DecisionBody) -> schemas.Decision:
    """Say yes. With enough people the job goes on to the queue."""
    return _decide(request_id, APPROVE, body.said, body)


@route(
    blueprint,
    [f"{ONE}/reject", f"{ROOT}/<int:request_id>/reject"],
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Reject a request (needs admin.approve and the request's level, or a delegation)",
    query=schemas.RejectQuery,
    body=schemas.DecisionBody,
    answers={200: schemas.Decision},
    errors=(403, 404, 409),
)
def reject(
    request_id: int, query: schemas.RejectQuery, body: schemas.DecisionBody
) -> schemas.Decision:
    """Say no, with a reason. The job is cancelled."""
    return _decide(request_id, REJECT, body.said or query.reason or "", body)


@route(
    blueprint,
    f"{ONE}/cancel",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Take a request back",
    answers={200: schemas.Cancelled},
    errors=(403, 404, 409),
)
def cancel(request_id: int) -> schemas.Cancelled:
    """End a request of one's own, or as an approver; its job is cancelled."""
    done = deciding.cancel(current_viewer(), request_id)
    return schemas.Cancelled(request_id=done.request_id, job_id=str(done.job_id))


@route(
    blueprint,
    f"{ROOT}/requests/bulk-approve",
    methods=["POST"],
    permission=RIGHTS,
    summary="Approve several requests",
    body=schemas.BulkApproveBody,
    answers={200: schemas.Bulk},
)
def bulk_approve(body: schemas.BulkApproveBody) -> schemas.Bulk:
    """Approve each for itself."""
    return _bulk(body.request_ids, APPROVE, body.notes or "")


@route(
    blueprint,
    f"{ROOT}/requests/bulk-reject",
    methods=["POST"],
    permission=RIGHTS,
    summary="Reject several requests",
    body=schemas.BulkRejectBody,
    answers={200: schemas.Bulk},
)
def bulk_reject(body: schemas.BulkRejectBody) -> schemas.Bulk:
    """Reject each for itself."""
    return _bulk(body.request_ids, REJECT, body.reason)


@route(
    blueprint,
    [f"{ROOT}/expire", f"{ROOT}/requests/expire"],
    methods=["POST"],
    permission="admin.approve",
    summary="End every request that is past its time now",
    answers={200: schemas.Expired},
)
def expire() -> schemas.Expired:
    """Do at once what else happens every few minutes."""
    return schemas.Expired(expired=expiry.sweep())


def _seen(viewer: Viewer, request_id: int) -> Any:
    """Return a request; somebody who decides none and has none of this number lacks the right."""
    if not inbox.is_own(viewer, request_id):
        inbox.require(viewer)
    return inbox.get(viewer, request_id)


def _decide(
    request_id: int, verdict: str, said: str, body: schemas.DecisionBody
) -> schemas.Decision:
    viewer = current_viewer()
    done = deciding.decide(
        viewer, request_id, verdict, said, on_behalf_of=body.on_behalf_of, digest=body.digest
    )
    by = "approved_by" if verdict == APPROVE else "rejected_by"
    return schemas.Decision(
        request_id=done.request_id,
        job_id=str(done.job_id),
        status=done.status,
        approvals=done.approvals,
        quorum=done.quorum,
        **{by: viewer.user_id},
    )


def _bulk(request_ids: Sequence[int], verdict: str, said: str) -> schemas.Bulk:
    viewer = current_viewer()
    results = deciding.decide_many(viewer, request_ids, verdict, said)
    done = sum(result["success"] for result in results)
    return schemas.Bulk(
        total=len(results),
        succeeded=done,
        failed=len(results) - done,
        results=[schemas.BulkResult(**result) for result in results],
    )


def _listing(found: inbox.Found, query: schemas.RequestQuery) -> schemas.Requests:
    return schemas.Requests(
        requests=rendering.requests(found.requests),
        total=found.total,
        pending_count=found.pending_count,
        has_more=query.offset + len(found.requests) < found.total,
    )
