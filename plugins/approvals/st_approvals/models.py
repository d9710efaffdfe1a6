"""The tables of approvals.

Words: a *rule* says which jobs people must approve, a *request* is one job's question, a *vote*
is what one person said to it, a *delegation* lets somebody vote in another's place until a date.

Requests name jobs, rules and people by number and by name, without a foreign key: what was decided
stays readable when those are gone. Numbers are never used again.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, Usd, UtcDateTime

PENDING = text("status = 'pending'")
NEVER_AGAIN = {"sqlite_autoincrement": True}


class ApprovalsRule(Model):
    """Which jobs people must approve. `mode` shadow records what it would do, and does nothing.

    Rules are tried by `priority` (highest first), then by `id`. `threshold` is text, whatever it
    means to the condition. `lifetime_hours` None takes the server's setting.
    """

    __tablename__ = "approvals_rule"
    __table_args__ = (NEVER_AGAIN,)
    governs = True

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    condition: Mapped[str] = mapped_column(String(30))
    threshold: Mapped[str] = mapped_column(String(200), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    mode: Mapped[str] = mapped_column(String(10), default="enforce")
    priority: Mapped[int] = mapped_column(default=0)
    applies_to_provider: Mapped[str | None] = mapped_column(String(50))
    applies_to_level: Mapped[str | None] = mapped_column(String(50))
    exempt_levels: Mapped[list[str]] = mapped_column(JSON, default=list)
    required_approver_level: Mapped[str] = mapped_column(String(50), default="lead")
    quorum: Mapped[int] = mapped_column(default=1)
    lifetime_hours: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[int | None]


class ApprovalsRequest(Model):
    """One job's question to people. `status` is pending, approved, rejected, expired or cancelled.

    `matched` lists every demand, the deciding one first, as `Demand`s in JSON. `digest` is
    that of what was admitted: an edit of the job ends this request and opens another.
    """

    __tablename__ = "approvals_request"
    __table_args__ = (
        Index(
            "uq_approvals_request_open",
            "job_id",
            unique=True,
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        ),
        Index("ix_approvals_request_job", "job_id", "id"),
        Index("ix_approvals_request_user", "user_id", "id"),
        Index("ix_approvals_request_status", "status", "id"),
        Index(
            "ix_approvals_request_expires",
            "expires_at",
            "id",
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        ),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int]
    user_id: Mapped[int | None]
    username: Mapped[str] = mapped_column(String(50), default="")
    org_id: Mapped[int | None]
    team_id: Mapped[int | None]
    rule_id: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str] = mapped_column(Text)
    matched: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    approver_level: Mapped[str] = mapped_column(String(50))
    quorum: Mapped[int] = mapped_column(default=1)
    digest: Mapped[str] = mapped_column(String(64))
    job_name: Mapped[str] = mapped_column(String(200))
    provider: Mapped[str] = mapped_column(String(50))
    config_name: Mapped[str] = mapped_column(String(100))
    hardware: Mapped[str | None] = mapped_column(String(100))
    gpu_count: Mapped[int] = mapped_column(default=0)
    estimated_cost_usd: Mapped[Decimal | None] = mapped_column(Usd)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewed_by: Mapped[int | None]
    reviewer: Mapped[str | None] = mapped_column(String(50))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    review_notes: Mapped[str | None] = mapped_column(Text)


class ApprovalsVote(Model):
    """What one person said to a request: `verdict` is approve or reject.

    `on_behalf_of` is the person in whose place a delegate spoke.
    """

    __tablename__ = "approvals_vote"
    __table_args__ = (Index("ix_approvals_vote_request", "request_id", "id"), NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("approvals_request.id", ondelete="CASCADE"))
    user_id: Mapped[int]
    username: Mapped[str] = mapped_column(String(50))
    on_behalf_of: Mapped[int | None]
    on_behalf_of_name: Mapped[str | None] = mapped_column(String(50))
    verdict: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ApprovalsDelegation(Model):
    """Until `ends_at`, `delegate_id` may decide in place of `user_id`; `ended_at` when taken back
    before."""

    __tablename__ = "approvals_delegation"
    __table_args__ = (Index("ix_approvals_delegation_delegate", "delegate_id"), NEVER_AGAIN)
    governs = True

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    delegate_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    note: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
