"""The tables of quotas.

Words: a *ceiling* is what somebody set for a scope and a type; a *use* is one admission of a job,
*open* until the job ends. An open use is the reservation of the job's place, estimate and GPUs; a
closed one says what the job really used.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Float, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, Usd, UtcDateTime

GLOBAL = text("scope = 'global'")
OPEN = text("ended_at IS NULL")
NEVER_AGAIN = {"sqlite_autoincrement": True}


class QuotasCeiling(Model):
    """One ceiling. `scope` is user, level, team, org or global; the column of that name says whose.

    `limit_value` is in the unit of its type, to six places. A ceiling in mode shadow records what
    it would do, and does nothing.
    """

    __tablename__ = "quotas_ceiling"
    __table_args__ = (
        UniqueConstraint("user_id", "quota_type"),
        UniqueConstraint("level_id", "quota_type"),
        UniqueConstraint("team_id", "quota_type"),
        UniqueConstraint("org_id", "quota_type"),
        Index(
            "uq_quotas_ceiling_global",
            "quota_type",
            unique=True,
            sqlite_where=GLOBAL,
            postgresql_where=GLOBAL,
        ),
        NEVER_AGAIN,
    )
    governs = True

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    level_id: Mapped[int | None] = mapped_column(ForeignKey("level.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    org_id: Mapped[int | None] = mapped_column(ForeignKey("org.id", ondelete="CASCADE"))
    quota_type: Mapped[str] = mapped_column(String(30))
    limit_value: Mapped[Decimal] = mapped_column(Usd)
    action: Mapped[str] = mapped_column(String(20), default="block")
    mode: Mapped[str] = mapped_column(String(10), default="enforce")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def subject_id(self) -> int | None:
        """Return the number of whom it is for, None for everybody."""
        return None if self.scope == "global" else getattr(self, f"{self.scope}_id")


class QuotasUse(Model):
    """What one admission of a job holds or used. It names job, person, team and organisation by
    number without foreign keys: what was used stays counted when those are gone.

    `held_*` is what was reserved; `cost_usd` and `gpu_seconds` are what it came to. `running_since`
    (seconds since 1970) is set while it occupies GPUs.
    """

    __tablename__ = "quotas_use"
    __table_args__ = (
        Index(
            "uq_quotas_use_open",
            "job_id",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        Index("ix_quotas_use_job", "job_id"),
        *(
            Index(
                f"ix_quotas_use_{scope}_open",
                f"{scope}_id",
                sqlite_where=OPEN,
                postgresql_where=OPEN,
            )
            for scope in ("user", "team", "org")
        ),
        *(
            Index(f"ix_quotas_use_{scope}_admitted", f"{scope}_id", "admitted_at")
            for scope in ("user", "team", "org")
        ),
        *(
            Index(
                f"ix_quotas_use_{scope}_ended", f"{scope}_id", "ended_at", "cost_usd", "gpu_seconds"
            )
            for scope in ("user", "team", "org")
        ),
        Index("ix_quotas_use_ended", "ended_at"),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int]
    user_id: Mapped[int | None]
    team_id: Mapped[int | None]
    org_id: Mapped[int | None]
    gpus: Mapped[int] = mapped_column(default=0)
    local_gpus: Mapped[int] = mapped_column(default=0)
    held_cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    held_gpu_seconds: Mapped[float] = mapped_column(Float, default=0.0)
    cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    gpu_seconds: Mapped[float] = mapped_column(Float, default=0.0)
    running_since: Mapped[float | None] = mapped_column(Float)
    admitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
