"""The journal and the outbox: what happened, numbered without a gap, and who must still be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..db import Model, UtcDateTime

BigId = BigInteger().with_variant(Integer, "sqlite")


class Event(Model):
    """One fact. `id` is the gapless number of the journal; `before` and `after` hold what changed.

    The actor is who did it, `on_behalf_of` for whom, `door` through what: page, api, cli, service,
    plugin.
    """

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100), index=True)
    severity: Mapped[str] = mapped_column(String(10))
    subject_type: Mapped[str] = mapped_column(String(50))
    subject_id: Mapped[str] = mapped_column(String(100))
    job_id: Mapped[int | None] = mapped_column(BigId, index=True)
    owner_id: Mapped[int | None] = mapped_column(BigId)
    team_id: Mapped[int | None] = mapped_column(BigId)
    org_id: Mapped[int | None] = mapped_column(BigId)
    permission: Mapped[str | None] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(String(1000), default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_name: Mapped[str] = mapped_column(String(100))
    on_behalf_of_id: Mapped[int | None] = mapped_column(BigId)
    address: Mapped[str | None] = mapped_column(String(45))
    door: Mapped[str] = mapped_column(String(20))
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class Delivery(Model):
    """One event that one subscriber (a plugin) must still see, or has seen.

    `state` is pending, done, dead (gave up after eight tries) or skipped (the plugin was switched
    off).
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "ix_delivery_pending",
            "subscriber",
            "event_id",
            "next_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    event_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    subscriber: Mapped[str] = mapped_column(String(100), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    error: Mapped[str | None] = mapped_column(String(500))


#: Written out, so that the partial index of pending deliveries is used.
IS_PENDING = Delivery.state == literal_column("'pending'")
