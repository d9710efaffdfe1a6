"""Jobs (what was admitted), their attempts (one start each), the gates they passed, and the log
kept of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Enum,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..clock import now
from ..db import Model, Usd, UtcDateTime
from .states import JobState

STATE = Enum(
    JobState,
    native_enum=False,
    length=20,
    values_callable=lambda states: [state.value for state in states],
    validate_strings=True,
)
QUEUED = text("state = 'queued'")
QUEUED_SKIPS = text("state = 'queued' AND bypasses_queue")
ACTIVE = text("state IN ('starting', 'running')")
ASKED = text("state = 'pending_approval'")
ENDED = text("completed_at IS NOT NULL")
#: Who waits with which priority, as one number: priority, person, team (ids below 2^32 and 2^24).
LINE = (
    "(CAST(effective_priority AS BIGINT) * 72057594037927936"
    " + CAST(coalesce(user_id, 0) AS BIGINT) * 16777216 + coalesce(team_id, 0))"
)
IN_TEAM = text("team_id IS NOT NULL")
IN_ORG = text("org_id IS NOT NULL")
IN_NO_ORG = text("org_id IS NULL")


class Job(Model):
    """One admitted training run. Only `st_core.services.moves` changes its state.

    `priority` is what the submitter's level gives, `effective_priority` what counts (the override,
    if any). `details` holds what the submission asked beyond the columns; `devices` what a provider
    gave it.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index(
            "ix_job_queue",
            text("effective_priority DESC"),
            "queued_at",
            "id",
            "user_id",
            "provider",
            "hardware",
            sqlite_where=QUEUED,
            postgresql_where=QUEUED,
        ),
        Index(
            "ix_job_line",
            text(LINE),
            "queued_at",
            "id",
            "provider",
            "hardware",
            sqlite_where=QUEUED,
            postgresql_where=QUEUED,
        ),
        Index("ix_job_skips", "id", sqlite_where=QUEUED_SKIPS, postgresql_where=QUEUED_SKIPS),
        Index("ix_job_active", "state", "user_id", sqlite_where=ACTIVE, postgresql_where=ACTIVE),
        Index("ix_job_user", "user_id", "id"),
        Index("ix_job_asked", "id", sqlite_where=ASKED, postgresql_where=ASKED),
        Index("ix_job_ended", "state", "id", sqlite_where=ENDED, postgresql_where=ENDED),
        Index("ix_job_config", "config_name", "id"),
        Index("ix_job_team", "team_id", "id", sqlite_where=IN_TEAM, postgresql_where=IN_TEAM),
        Index("ix_job_org", "org_id", "id", sqlite_where=IN_ORG, postgresql_where=IN_ORG),
        Index("ix_job_no_org", "id", sqlite_where=IN_NO_ORG, postgresql_where=IN_NO_ORG),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[JobState] = mapped_column(STATE, default=JobState.NEW)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    #: What the submitter was called, once the account is deleted.
    former_owner: Mapped[str | None] = mapped_column(String(50))
    org_id: Mapped[int | None] = mapped_column(ForeignKey("org.id", ondelete="SET NULL"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    provider: Mapped[str] = mapped_column(String(50))
    trainer: Mapped[str] = mapped_column(String(100))
    hardware: Mapped[str | None] = mapped_column(String(100))
    gpu_count: Mapped[int] = mapped_column(default=0)
    devices: Mapped[list[str]] = mapped_column(JSON, default=list)
    config_name: Mapped[str] = mapped_column(String(100))
    revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("revision.id", ondelete="SET NULL"), index=True
    )
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    config_digest: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    start_from_job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    start_from_checkpoint: Mapped[str | None] = mapped_column(String(500))
    resume_from: Mapped[str | None] = mapped_column(String(500))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    priority: Mapped[int] = mapped_column(default=10)
    priority_override: Mapped[int | None]
    effective_priority: Mapped[int] = mapped_column(default=10)
    requires_approval: Mapped[bool] = mapped_column(default=False)
    #: Why people must decide, as `contracts.Demand`s in JSON; empty when they need not.
    demands: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    #: The digest of what people approved; the job starts only while it is still the same.
    approved_digest: Mapped[str | None] = mapped_column(String(64))
    #: Jobs submitted together as one array share the number of the first.
    array_id: Mapped[int | None] = mapped_column(index=True)
    array_index: Mapped[int | None]
    #: May be stopped, to go on later, for a job that goes before it.
    preemptible: Mapped[bool] = mapped_column(default=False)
    bypasses_queue: Mapped[bool] = mapped_column(default=False)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    time_limit_seconds: Mapped[int | None]
    estimated_cost_usd: Mapped[Decimal | None] = mapped_column(Usd)
    estimate_basis: Mapped[str] = mapped_column(String(200), default="")
    cost_usd: Mapped[Decimal | None] = mapped_column(Usd)
    hold_reason: Mapped[str | None] = mapped_column(String(500))
    error_message: Mapped[str | None] = mapped_column(Text)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    attempts: Mapped[list[Attempt]] = relationship(
        back_populates="job", order_by="Attempt.number", passive_deletes=True
    )

    @property
    def attempt_key(self) -> str:
        """Return the name under which the current attempt was or will be started, unique for
        ever."""
        return f"{self.key}-{self.attempt}"


class Attempt(Model):
    """One start of a job. `fence` grows with every claim; whoever writes with an older one is
    refused.

    `provider_state` is the provider's opaque memory; `progress` the last answer of its poll.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        Index(
            "ix_attempt_watch",
            "next_poll_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    number: Mapped[int]
    fence: Mapped[int] = mapped_column(default=1)
    lease_owner: Mapped[str | None] = mapped_column(String(100))
    lease_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_poll_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    polled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_state: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    progress_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    devices: Mapped[list[str]] = mapped_column(JSON, default=list)
    resume_from: Mapped[str | None] = mapped_column(String(500))
    log_offset: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None] = mapped_column(String(20))
    message: Mapped[str | None] = mapped_column(Text)
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    job: Mapped[Job] = relationship(back_populates="attempts")


class JobDependency(Model):
    """A job that waits for another: `kind` is after_ok (it must complete) or after_any (end)."""

    __tablename__ = "job_dependency"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    on_job_id: Mapped[int] = mapped_column(
        ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    kind: Mapped[str] = mapped_column(String(10))


class JobGate(Model):
    """What one gate of the pipeline said when the job was admitted."""

    __tablename__ = "job_gate"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    result: Mapped[str] = mapped_column(String(10))
    verdict: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")


class JobLog(Model):
    """The last part of an attempt's log, kept when the attempt ended, for the day its workspace
    is gone."""

    __tablename__ = "job_log"

    attempt_id: Mapped[int] = mapped_column(
        ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str] = mapped_column(Text)
    truncated_bytes: Mapped[int] = mapped_column(default=0)


#: The state as it stands in partial indexes: a database uses such an index only where the
#: condition is written
#: out, not where it is a parameter.
IS_QUEUED = Job.state == literal_column("'queued'", STATE)
#: May skip the queue's limits; written as the partial index has it.
SKIPS: ColumnElement[bool] = literal_column("job.bypasses_queue", Boolean)
IS_ACTIVE = Job.state.in_([literal_column("'starting'", STATE), literal_column("'running'", STATE)])


def in_states(states: Collection[JobState]) -> ColumnElement[bool]:
    """Return the SQL for jobs in one of `states`, worded so that each part has an index.

    There is deliberately no plain index on the state: for the queue SQLite would take it and sort.
    """
    parts: list[ColumnElement[bool]] = []
    if JobState.QUEUED in states:
        parts.append(IS_QUEUED)
    if active := [state for state in states if state.is_active]:
        parts.append(and_(IS_ACTIVE, Job.state.in_(active)))
    if ended := [state for state in states if state.is_final]:
        parts.append(and_(Job.completed_at.is_not(None), Job.state.in_(ended)))
    if JobState.PENDING_APPROVAL in states:
        parts.append(Job.state == literal_column("'pending_approval'", STATE))
    return or_(*parts) if len(parts) > 1 else parts[0] if parts else false()
