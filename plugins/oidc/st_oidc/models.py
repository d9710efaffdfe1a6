"""The rows of the plugin: sign-ins that were begun and not finished."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, UtcDateTime


class PendingSignIn(Model):
    """One sign-in on its way through a provider; deleted by whoever comes back with it.

    Nothing here lets a reader of the table finish it: state and browser secret are kept as SHA-256
    (hex), nonce and PKCE verifier are made from them and not kept at all.
    """

    __tablename__ = "oidc_state"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    provider: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(255))
    redirect_uri: Mapped[str] = mapped_column(Text)
    next_path: Mapped[str] = mapped_column(Text)
    #: The person is to prove to the provider to be there, whatever it remembers of them.
    again: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
