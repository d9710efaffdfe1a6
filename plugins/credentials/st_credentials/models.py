"""The tables of the plugin: keys shared with everybody, and which attempt was given which key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, UtcDateTime
from st_core.models.credentials import StoredKey


class CredentialsShared(StoredKey, Model):
    """A key that an administrator stored for everybody's jobs."""

    __tablename__ = "credentials_shared"
    __table_args__ = (UniqueConstraint("provider", "credential_name"),)
    _sealed = {"sealed": "shared credential:{provider}:{credential_name}"}

    sealed: Mapped[str | None] = mapped_column(Text, info=_sealed)
    new_sealed: Mapped[str | None] = mapped_column(Text, info=_sealed)


class CredentialsUse(Model):
    """An attempt was given a key.

    `source` is user, shared, environment or file, `key_id` the row of the first two, `fingerprint`
    that of the value; `is_trial` tells that it was a new value, not proven yet.
    """

    __tablename__ = "credentials_use"

    job_id: Mapped[int] = mapped_column(
        ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    variable: Mapped[str] = mapped_column(String(100), primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    key_id: Mapped[int | None]
    fingerprint: Mapped[str | None] = mapped_column(String(20))
    is_trial: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
