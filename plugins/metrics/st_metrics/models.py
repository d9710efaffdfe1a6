"""Counters that only grow, whatever retention deletes, and which events they have counted
already."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, Usd, UtcDateTime
from st_core.models.events import BigId


class MetricsCounter(Model):
    """One sample of a counter: its family's name, its one label value, and how far it has grown.

    `seconds` and `cost_usd` are sums beside the count, for families that need them.
    """

    __tablename__ = "metrics_counter"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    label: Mapped[str] = mapped_column(String(100), primary_key=True, default="")
    count: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))


class MetricsCounted(Model):
    """An event that was counted; its second delivery changes nothing."""

    __tablename__ = "metrics_counted"

    event_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
