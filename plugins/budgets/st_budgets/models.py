"""The tables of budgets.

Words: a *limit* says how much a provider, a team, an organisation or everybody may cost in a
period; a *posting* is one line of the ledger, the lines of one *transfer* add up to zero; a *hold*
is what a job that has not ended keeps back; a *crossing* is how far a limit was when last told.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, Usd, UtcDateTime

NEVER_AGAIN = {"sqlite_autoincrement": True}


class BudgetsLimit(Model):
    """One cost limit. `subject` is its scope and whose it is (`provider:local_gpu`, `team:3`,
    `org:1`, `global:`), one limit each. One that is off, or of 0 dollars, limits nothing."""

    __tablename__ = "budgets_limit"
    __table_args__ = (NEVER_AGAIN,)
    governs = True

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(70), unique=True)
    scope: Mapped[str] = mapped_column(String(10))
    provider: Mapped[str | None] = mapped_column(String(50))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    org_id: Mapped[int | None] = mapped_column(ForeignKey("org.id", ondelete="CASCADE"))
    enabled: Mapped[bool] = mapped_column(default=True)
    amount_usd: Mapped[Decimal] = mapped_column(Usd)
    period: Mapped[str] = mapped_column(String(10), default="monthly")
    window: Mapped[str] = mapped_column(String(10), default="rolling")
    action: Mapped[str] = mapped_column(String(20), default="warn")
    mode: Mapped[str] = mapped_column(String(10), default="enforce")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class BudgetsCrossing(Model):
    """How far a limit was when it was last told: `stage` is warning or exceeded."""

    __tablename__ = "budgets_crossing"

    limit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BudgetsHold(Model):
    """What a job that has not ended keeps back: the balance of its part of the account `held`.

    It names everything by number without foreign keys: money outlives jobs and people.
    """

    __tablename__ = "budgets_hold"

    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    held_usd: Mapped[Decimal] = mapped_column(Usd)
    provider: Mapped[str] = mapped_column(String(50))
    hardware: Mapped[str | None] = mapped_column(String(100))
    user_id: Mapped[int | None]
    team_id: Mapped[int | None]
    org_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BudgetsPosting(Model):
    """One line of the ledger. `account` is funds, held or spent; never changed, never deleted."""

    __tablename__ = "budgets_posting"
    __table_args__ = (
        Index("ix_budgets_posting_account", "account", "at", "amount_usd"),
        *(
            Index(f"ix_budgets_posting_{of}", "account", of, "at", "amount_usd")
            for of in ("provider", "team_id", "org_id")
        ),
        Index("ix_budgets_posting_job", "job_id", "account", "amount_usd"),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    transfer: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(10))
    amount_usd: Mapped[Decimal] = mapped_column(Usd)
    job_id: Mapped[int]
    provider: Mapped[str] = mapped_column(String(50))
    hardware: Mapped[str | None] = mapped_column(String(100))
    user_id: Mapped[int | None]
    team_id: Mapped[int | None]
    org_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BudgetsPrice(Model):
    """What one slot (a GPU, or a CPU slot) of some hardware costs from `valid_from` on."""

    __tablename__ = "budgets_price"
    __table_args__ = (
        Index("ix_budgets_price_of", "provider", "hardware", "valid_from"),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(50))
    hardware: Mapped[str] = mapped_column(String(100))
    cost_per_hour_usd: Mapped[Decimal] = mapped_column(Usd)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    set_by: Mapped[str] = mapped_column(String(50))
