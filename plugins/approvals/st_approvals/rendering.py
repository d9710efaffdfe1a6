"""Requests and delegations as clients know them."""

from __future__ import annotations

from collections.abc import Sequence

from st_core.clock import now
from st_core.db import db
from st_core.models import Job, JobState
from st_core.services import users

from . import inbox, insight
from . import request_schemas as schemas
from .models import ApprovalsDelegation, ApprovalsRequest, ApprovalsVote
from .schemas import Delegation


def request(row: ApprovalsRequest) -> schemas.Request:
    """Return one request with what was said to it."""
    return requests([row])[0]


def requests(rows: Sequence[ApprovalsRequest]) -> list[schemas.Request]:
    """Return requests with what was said to them."""
    votes = inbox.votes_of([row.id for row in rows])
    return [_request(row, votes.get(row.id, [])) for row in rows]


def _request(row: ApprovalsRequest, votes: Sequence[ApprovalsVote]) -> schemas.Request:
    return schemas.Request(
        id=row.id,
        job_id=str(row.job_id),
        job_name=row.job_name,
        user_id=row.user_id,
        username=row.username,
        rule_id=row.rule_id,
        status=row.status,
        reason=row.reason,
        matched=row.matched,
        required_approver_level=row.approver_level,
        quorum=row.quorum,
        approvals=sum(vote.verdict == "approve" for vote in votes),
        provider=row.provider,
        config_name=row.config_name,
        estimated_cost=float(row.estimated_cost_usd or 0),
        estimated_cost_known=row.estimated_cost_usd is not None,
        hardware_type=row.hardware,
        gpu_count=row.gpu_count,
        digest=row.digest,
        reviewed_by=row.reviewed_by,
        reviewer=row.reviewer,
        reviewed_at=row.reviewed_at,
        review_notes=row.review_notes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        is_expired=row.status == "pending" and not inbox.is_open(row),
        votes=[schemas.Vote.model_validate(vote) for vote in votes],
    )


def context(row: ApprovalsRequest) -> schemas.Context:
    """Return what an approver has to know of a request."""
    job = db.session.get(Job, row.job_id)
    earlier = insight.last_approved(row, job) if job else None
    past = insight.record(row)
    waits = job is not None and job.state is JobState.PENDING_APPROVAL
    return schemas.Context(
        request=request(row),
        last_approved=_earlier(earlier) if earlier else None,
        history=_record(past),
        waiting=schemas.Waiting.model_validate(insight.waiting(row, job))
        if waits and job
        else None,
    )


def _earlier(earlier: insight.Earlier) -> schemas.Earlier:
    return schemas.Earlier(
        job_id=str(earlier.job_id),
        approved_by=earlier.approved_by,
        approved_at=earlier.approved_at,
        changes=[
            schemas.Change(
                path=change["key"],
                kind=change["change"],
                before=change["before"],
                after=change["after"],
            )
            for change in earlier.changes
        ],
    )


def _record(record: insight.Record) -> schemas.Record:
    return schemas.Record(
        days=record.days,
        total=record.total,
        completed=record.completed,
        spent=float(record.spent_usd),
        overestimated_percent=record.overestimated_percent,
        jobs=[
            schemas.Past(
                job_id=str(past.job_id),
                name=past.name,
                status=past.status,
                estimated_cost=schemas.dollars(past.estimated_usd),
                cost=schemas.dollars(past.cost_usd),
                approval=past.approval,
            )
            for past in record.jobs
        ],
    )


def delegations(rows: Sequence[ApprovalsDelegation]) -> list[Delegation]:
    """Return delegations with the names of both."""
    names = users.display_names({one for row in rows for one in (row.user_id, row.delegate_id)})
    return [
        Delegation(
            id=row.id,
            user_id=row.user_id,
            username=names.get(row.user_id, ""),
            delegate_id=row.delegate_id,
            delegate=names.get(row.delegate_id, ""),
            note=row.note,
            created_at=row.created_at,
            ends_at=row.ends_at,
            ended_at=row.ended_at,
            is_active=row.ended_at is None and row.ends_at > now(),
        )
        for row in rows
    ]
