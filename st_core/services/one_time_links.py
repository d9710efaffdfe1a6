"""One-time links: whoever holds one may do one thing once. Only the SHA-256 of its token is kept.

A *purpose* says what: make the first administrator (`setup`, a code people type), make an account
(`invitation`), or set a new password (`password_reset`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from ..clock import now
from ..db import assert_unit_of_work, db, table_of, unit_of_work
from ..errors import NotFound
from ..models import OneTimeLink

SETUP, INVITATION, PASSWORD_RESET = "setup", "invitation", "password_reset"
#: Letters and digits nobody mistakes for another; sixteen of them carry 79 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LINKS = table_of(OneTimeLink)


def code() -> str:
    """Return a new code that people can read out and type: `ABCD-EFGH-JKMN-PQRS`."""
    parts = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(parts)


def digest(token: str) -> str:
    """Return what is stored of a token; a code counts however its letters and hyphens are
    written."""
    plain = token.strip()
    short = plain.replace("-", "").replace(" ", "").upper()
    return hashlib.sha256((short if len(short) == 16 else plain).encode()).hexdigest()


def make(
    purpose: str,
    *,
    hours: float,
    token: str | None = None,
    user_id: int | None = None,
    email: str | None = None,
    levels: Sequence[str] = (),
    by: int | None = None,
) -> tuple[OneTimeLink, str]:
    """Step: make a link that holds for `hours`, `by` a user; return its row and, this once, its
    token."""
    assert_unit_of_work()
    token = token or secrets.token_urlsafe(32)
    row = OneTimeLink(
        purpose=purpose,
        token_hash=digest(token),
        user_id=user_id,
        email=email,
        levels=list(levels),
        created_by_id=by,
        expires_at=now() + timedelta(hours=hours),
    )
    db.session.add(row)
    db.session.flush()
    return row, token


def find(token: str, *purposes: str) -> OneTimeLink:
    """Return the link of a token, not used yet. Raises NotFound, in the same words whether it never
    was, was used, or has expired."""
    row = db.session.scalar(
        select(OneTimeLink).where(
            OneTimeLink.token_hash == digest(token),
            OneTimeLink.purpose.in_(purposes),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now(),
        )
    )
    if row is None:
        raise does_not_hold()
    return row


def does_not_hold() -> NotFound:
    """Return the error for a link that cannot be used, whatever the reason."""
    return NotFound(
        "This link does not hold: it was used, has expired or was withdrawn. Ask for a new one.",
        code="link_not_valid",
    )


def use(token: str, *purposes: str) -> OneTimeLink:
    """Step: use a link up and return it. Raises NotFound as `find` does; of two at one moment one
    wins."""
    assert_unit_of_work()
    row = find(token, *purposes)
    used: Any = db.session.execute(
        update(_LINKS)
        .where(_LINKS.c.id == row.id, _LINKS.c.used_at.is_(None))
        .values(used_at=now())
    )
    if used.rowcount != 1:
        raise does_not_hold()  # somebody was quicker
    return row


def open_ones(purpose: str) -> list[OneTimeLink]:
    """Return the links that can still be used, the newest first."""
    return list(
        db.session.scalars(
            select(OneTimeLink)
            .where(
                OneTimeLink.purpose == purpose,
                OneTimeLink.used_at.is_(None),
                OneTimeLink.expires_at > now(),
            )
            .order_by(OneTimeLink.id.desc())
        )
    )


def withdraw(purpose: str, *, user_id: int | None = None) -> None:
    """Step: let the links of a purpose hold no longer, all or those of one user."""
    assert_unit_of_work()
    found = delete(OneTimeLink).where(OneTimeLink.purpose == purpose, OneTimeLink.used_at.is_(None))
    db.session.execute(found if user_id is None else found.where(OneTimeLink.user_id == user_id))


def purge() -> None:
    """Command: delete links that ended more than a month ago."""
    with unit_of_work():
        db.session.execute(
            delete(OneTimeLink).where(OneTimeLink.expires_at < now() - timedelta(days=30))
        )
