"""API keys: `st_` and 32 random letters and digits, shown once, stored as SHA-256 (hex)."""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from ..clock import now
from ..contracts import Viewer
from ..db import db, unit_of_work
from ..errors import NotFound
from ..models import ApiKey, User
from . import events, policy, users

ALPHABET = string.ascii_letters + string.digits


def digest(key: str) -> str:
    """Return what is stored of a key. Plain SHA-256 suffices: keys carry 190 bits of randomness."""
    return hashlib.sha256(key.encode()).hexdigest()


def create(
    user_id: int, name: str, *, expires_days: int | None = None, scopes: list[str] | None = None
) -> tuple[ApiKey, str]:
    """Command: make a key for a user; return its row and, this once, the key itself."""
    key = "st_" + "".join(secrets.choice(ALPHABET) for _ in range(32))
    with unit_of_work():
        if db.session.get(User, user_id) is None:
            raise NotFound(f"there is no user {user_id}")
        row = ApiKey(
            user_id=user_id,
            name=name,
            prefix=key[:11],
            key_hash=digest(key),
            scopes=scopes,
            expires_at=now() + timedelta(days=expires_days) if expires_days else None,
        )
        db.session.add(row)
        db.session.flush()
        events.emit(
            "api_key.created",
            subject=("api_key", row.id),
            owner_id=user_id,
            after={"name": name, "prefix": row.prefix, "scopes": scopes},
        )
    return row, key


def viewer_for(key: str, address: str | None = None) -> Viewer | None:
    """Return the viewer a key stands for, or None when it is unknown, expired, revoked or its owner
    inactive."""
    hashed = digest(key)
    known = policy.remembered(("api key", hashed), lambda: _owner(hashed))
    if known is None:
        return None
    viewer, expires_at = known
    if expires_at is not None and expires_at <= now():
        return None
    return viewer if address is None else replace(viewer, address=address)


def _owner(hashed: str) -> tuple[Viewer, datetime | None] | None:
    """Read whose key this is and until when it holds."""
    row = db.session.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.key_hash == hashed, ApiKey.is_active, User.is_active)
    ).first()
    if row is None:
        return None
    api_key, user = row
    return users.viewer_of(user, "api_key", api_key.scopes), api_key.expires_at
