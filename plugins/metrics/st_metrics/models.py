"""Counters that only grow, whatever retention deletes, and how far they have counted."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from st_core.db import Model, Usd
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


class MetricsCursor(Model):
    """How far the journal is counted; one row."""

    __tablename__ = "metrics_cursor"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId)
