"""Rows about the server itself: stored settings, leases of services, and one row per gate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..db import Model, UtcDateTime


class StoredSetting(Model):
    """A setting changed in the UI or over the API; the file and the environment win over it."""

    __tablename__ = "stored_setting"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    #: The value as it is; that of a secret setting sealed, as `{"sealed": "…"}`.
    value: Mapped[Any] = mapped_column(JSON, info={"sealed": "setting {key}"})
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL")
    )


class Lease(Model):
    """Who may run an exclusive service just now, and until when."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Lock(Model):
    """One row per gate, and one whose `value` is a counter: `journal` (last event) and `policy`
    (generation)."""

    __tablename__ = "lock"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
