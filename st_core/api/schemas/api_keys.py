"""API keys."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from .kinds import Answer, Body, Listing, Query, Whole
from .levels import Names


class ApiKey(Answer):
    """A key, without what it opens."""

    id: int
    user_id: int
    username: str | None = None
    name: str
    key_prefix: str
    created_at: datetime
    last_used_at: datetime | None = Field(None, description="Noted once a minute.")
    expires_at: datetime | None = None
    is_active: bool = Field(description="False once it is revoked.")
    is_expired: bool = False
    scoped_permissions: list[str] | None = Field(None, description="null: all of its owner's.")


class ApiKeys(Listing):
    """Keys, the newest first."""

    api_keys: list[ApiKey]


class ApiKeyQuery(Query):
    """Whose keys: one's own unless `all` or a user is named."""

    all: bool = Field(False, description="Everybody's; needs api.keys.all.")
    user_id: int | None = Field(
        None, ge=1, le=2_147_483_647, description="This account's; needs api.keys.all."
    )
    limit: int = Field(100, ge=1, le=500)
    cursor: str | None = Field(None, max_length=100)


class CreateApiKeyBody(Body):
    """A new key."""

    name: str = Field(min_length=1, max_length=100)
    expires_days: Whole | None = Field(None, ge=1, le=365, description="null: it does not end.")
    scoped_permissions: Names | None = Field(None, description="null: all of its owner's.")
    user_id: Whole | None = Field(
        None, ge=1, le=2_147_483_647, description="A service account; needs api.keys.all."
    )


class NewApiKey(Answer):
    """A new key; `key` is shown this once."""

    key: str
    key_info: ApiKey
