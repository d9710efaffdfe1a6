"""A server without accounts: whether it is one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from ..db import db
from ..models import Level, User


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
