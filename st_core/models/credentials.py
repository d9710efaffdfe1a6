"""Keys of outside services that are stored here, sealed (contract 1.2).

A *new value* waits beside the value in force until it is proven: accepted by its service, or used
by an attempt that started. Then it takes the old one's place; refused, it goes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..db import Model, UtcDateTime


class StoredKey:
    """The columns of a stored key; `sealed` values are encrypted, fingerprints are shown."""

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(100))
    credential_name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500), default="")
    sealed: Mapped[str | None]
    fingerprint: Mapped[str | None] = mapped_column(String(20))
    new_sealed: Mapped[str | None]
    new_fingerprint: Mapped[str | None] = mapped_column(String(20))
    #: When a new value was asked for; none has been proven since.
    rotation_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    #: When the value was last set; its age makes a credential stale.
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ProviderCredential(StoredKey, Model):
    """A secret a user keeps for one provider. `sealed` is encrypted, `fingerprint` is shown."""

    __tablename__ = "provider_credential"
    __table_args__ = (UniqueConstraint("user_id", "provider", "credential_name"),)
    _sealed = {"sealed": "credential:{user_id}:{provider}:{credential_name}"}

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    sealed: Mapped[str | None] = mapped_column(Text, info=_sealed)
    new_sealed: Mapped[str | None] = mapped_column(Text, info=_sealed)
