"""A server without accounts: whether it is one, and the one-time code for its first administrator.

Only the SHA-256 of the code is stored; it is shown once, on the console of the process that starts
the server.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import func, select

from ..clock import now
from ..db import db, unit_of_work
from ..models import Level, StoredSetting, User
from . import settings, users

CODE_KEY = "auth.setup_code_sha256"
#: Without letters and digits that look alike; 12 of 31 signs are 59 bits, guessed over HTTP never.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class SetupStatus:
    """Whether the first administrator is still missing, and how many people have an account."""

    needs_setup: bool
    has_admin: bool
    user_count: int
    registration_enabled: bool = False


def status() -> SetupStatus:
    """Return how far the server is set up; the local owner does not count as a person."""
    people = db.session.scalar(select(func.count(User.id)).where(~User.is_local_owner)) or 0
    admin = select(User.id).where(~User.is_local_owner, User.levels.any(Level.name == "admin"))
    has_admin = db.session.scalar(admin.limit(1)) is not None
    return SetupStatus(needs_setup=not people, has_admin=has_admin, user_count=people)


def issue_code() -> str | None:
    """Command: make a new one-time code and return it; None when nobody needs one.

    An earlier code ends. In mode `local` there is no first administrator to make.
    """
    if settings.value("auth.mode") == "local" or users.others_exist():
        return None
    code = "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))
    with unit_of_work():
        db.session.merge(StoredSetting(key=CODE_KEY, value=digest(code), updated_at=now()))
    return code


def digest(code: str) -> str:
    """Return what is stored of a code, the same however it is typed."""
    signs = "".join(sign for sign in code.upper() if sign in ALPHABET)
    return hashlib.sha256(signs.encode()).hexdigest()
