"""Keys of outside services that belong to a user (contract 1.2)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..db import Model, UtcDateTime


class ProviderCredential(Model):
    """A secret a user keeps for one provider. `sealed` is encrypted, `fingerprint` is shown."""

    __tablename__ = "provider_credential"
    __table_args__ = (UniqueConstraint("user_id", "provider", "credential_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    provider: Mapped[str] = mapped_column(String(100))
    credential_name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500), default="")
    sealed: Mapped[str | None] = mapped_column(
        Text, info={"sealed": "credential:{user_id}:{provider}:{credential_name}"}
    )
    fingerprint: Mapped[str | None] = mapped_column(String(20))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    #: When the value was last set; its age makes a credential stale.
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
