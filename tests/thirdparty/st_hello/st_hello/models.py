"""The plugin's one table."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import UtcDateTime, db


class Greeting(db.Model):
    """What one job was told. The event's number is the key, so that no event greets twice."""

    __tablename__ = "hello_greeting"

    event_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(String(200))
    said_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
