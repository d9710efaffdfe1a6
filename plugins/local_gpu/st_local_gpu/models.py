"""The rows of the plugin: which job has which device now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, UtcDateTime


class Slot(Model):
    """One device that a starting or running job has; the primary key keeps a second job away from
    it.
    """

    __tablename__ = "local_gpu_slot"

    device: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
