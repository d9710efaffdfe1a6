"""What people, teams and organisations have used of the machines, fading with time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Model, UtcDateTime


class ShareUsage(Model):
    """The decayed use of one circle of people: `gpu_seconds` as of `as_of`, halved per half-life.

    `path` is the numbers of organisation, team and person as far as they go ("3", "3/5", "3/5/17"),
    0 for those in none.
    """

    __tablename__ = "share_usage"

    path: Mapped[str] = mapped_column(String(40), primary_key=True)
    gpu_seconds: Mapped[float]
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
