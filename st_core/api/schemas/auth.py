"""Who one is."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from .kinds import Answer


class Level(Answer):
    """A level a user has."""

    id: int
    name: str
    priority: int


class User(Answer):
    """A person or a service account."""

    id: int
    email: str
    username: str
    display_name: str | None = None
    avatar_url: str | None = None
    auth_provider: str
    is_active: bool
    is_admin: bool
    email_verified: bool
    created_at: datetime
    last_login_at: datetime | None = None
    levels: list[Level]
    permissions: list[str] = Field(description="What the caller may do with this credential.")


class Check(Answer):
    """Whether the caller is known, and as whom."""

    authenticated: bool
    user_id: int | None = None
    username: str | None = None
    is_admin: bool | None = None
    via: str | None = Field(None, description="session, api_key or local.")


class SetupStatus(Answer):
    """Whether anybody has an account here."""

    needs_setup: bool
    has_admin: bool
    user_count: int
    registration_enabled: bool = False
