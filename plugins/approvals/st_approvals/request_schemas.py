"""What goes in and out of `/api/approvals/requests`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from .schemas import MOST, Closed

#: Any JSON value.
Value = str | int | float | bool | list[Any] | dict[str, Any] | None
RequestId = Annotated[int, Field(ge=1, le=MOST)]


class RequestQuery(Closed):
    """Which requests, and where to begin."""

    status: str | None = Field(None, max_length=20)
    pending_only: bool = False
    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0, le=1_000_000)


class Vote(BaseModel):
    """What one person said."""

    model_config = ConfigDict(from_attributes=True)

    user_id: int
    username: str
    on_behalf_of: int | None = None
    on_behalf_of_name: str | None = None
    verdict: str
    note: str
    created_at: datetime


class Request(BaseModel):
    """One job's question to people. `matched` lists every rule that asked, the deciding first."""

    id: int
    job_id: str
    job_name: str
    user_id: int | None = None
    username: str
    rule_id: int | None = None
    status: str
    reason: str
    matched: list[dict[str, Any]]
    required_approver_level: str
    quorum: int
    approvals: int
    provider: str
    config_name: str
    estimated_cost: float = Field(description="USD; 0 when no price is known.")
    estimated_cost_known: bool
    hardware_type: str | None = None
    gpu_count: int
    digest: str = Field(description="Of what was admitted; an approval holds for nothing else.")
    reviewed_by: int | None = None
    reviewer: str | None = None
    reviewed_at: datetime | None = None
    review_notes: str | None = None
    created_at: datetime
    expires_at: datetime
    is_expired: bool
    votes: list[Vote] = []


class Requests(BaseModel):
    """Requests, open ones first; `total` fits the filter, `pending_count` is of all."""

    requests: list[Request]
    total: int
    pending_count: int
    has_more: bool
    next: None = None


class PendingCount(BaseModel):
    """How many open requests the caller decides about."""

    pending_count: int


class DecisionBody(Closed):
    """A decision; old clients send `notes` or `reason` for either."""

    notes: str | None = Field(None, max_length=2000)
    reason: str | None = Field(None, max_length=2000)
    on_behalf_of: int | None = Field(None, ge=1, le=MOST, description="Whose delegate decides.")
    digest: str | None = Field(None, max_length=64, description="Holds only for what you saw.")

    @property
    def said(self) -> str:
        """Return what was said, under either name."""
        return self.reason or self.notes or ""


class RejectQuery(Closed):
    """A reason in the address, as some clients send it."""

    reason: str | None = Field(None, max_length=2000)


class Decision(BaseModel):
    """What became of a request. While `status` is pending, more people must approve."""

    success: bool = True
    request_id: int
    job_id: str
    status: str
    approvals: int
    quorum: int
    approved_by: int | None = None
    rejected_by: int | None = None


class Cancelled(BaseModel):
    """The request is taken back and its job cancelled."""

    success: bool = True
    request_id: int
    job_id: str


class BulkApproveBody(Closed):
    """Requests to approve."""

    request_ids: list[RequestId] = Field(min_length=1, max_length=100)
    notes: str | None = Field(None, max_length=2000)


class BulkRejectBody(Closed):
    """Requests to reject, for one reason."""

    request_ids: list[RequestId] = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=2000)


class BulkResult(BaseModel):
    """What became of one of several."""

    request_id: int
    success: bool
    error: str | None = None


class Bulk(BaseModel):
    """What became of each."""

    total: int
    succeeded: int
    failed: int
    results: list[BulkResult]


class Expired(BaseModel):
    """How many requests ended."""

    expired: int


class Change(BaseModel):
    """One key that differs; null where it is missing."""

    path: str
    kind: str
    before: Value = None
    after: Value = None


class Earlier(BaseModel):
    """The submitter's last approved job and what differs."""

    job_id: str
    approved_by: str
    approved_at: datetime | None = None
    changes: list[Change]


class Past(BaseModel):
    """A job of the submitter's last 90 days."""

    job_id: str
    name: str
    status: str
    estimated_cost: float | None = None
    cost: float | None = None
    approval: str


class Record(BaseModel):
    """The submitter's last 90 days in figures, and their newest jobs."""

    days: int
    total: int
    completed: int
    spent: float
    overestimated_percent: float | None = None
    jobs: list[Past]


class Waiting(BaseModel):
    """What waiting costs."""

    model_config = ConfigDict(from_attributes=True)

    waited_seconds: float
    overtaken_by: int
    queued_ahead: int
    expected_wait_seconds: float | None = None
    expires_at: datetime


class Context(BaseModel):
    """What an approver has to know of a request."""

    request: Request
    last_approved: Earlier | None = None
    history: Record
    waiting: Waiting | None = None


def dollars(amount: Decimal | None) -> float | None:
    """Return an amount as JSON has it."""
    return None if amount is None else float(amount)
