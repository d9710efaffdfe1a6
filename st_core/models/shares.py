"""What people, teams and organisations have used of the machines, fading with time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Model, UtcDateTime


class ShareUsage(Model):
    """The decayed use of one circle of people: `gpu_seconds` as of `as_of`, halved per half-life.

    `kind` is user, team or org, `subject_id` its row's number (0: those without one).
    """

    __tablename__ = "share_usage"

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    gpu_seconds: Mapped[float]
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
