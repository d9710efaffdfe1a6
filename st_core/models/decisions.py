"""Decisions: what was asked of the policies, what they knew, and what they said, for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..db import Model, UtcDateTime


class Decision(Model):
    """One submission as the policies saw it; `outcome` is admitted, asked (of people) or refused.

    `answers` lists per policy its name, the `digest` of its document, the facts and the findings.
    """

    __tablename__ = "decision"
    __table_args__ = (
        Index("ix_decision_job", "job_id"),
        Index("ix_decision_at", "at", "id"),
        Index("ix_decision_user", "user_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    user_id: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(String(10))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class PolicyDocument(Model):
    """A document that once decided something, under the SHA-256 (hex) of its content."""

    __tablename__ = "policy_document"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    policy: Mapped[str] = mapped_column(String(50))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    first_used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
