"""Keys of outside services that people keep here. A value goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from .kinds import Answer, Body, Query, Whole

#: A word of the address, too: no slash, and nothing that cannot be seen.
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/\x00-\x1f\x7f]+$")]
Days = Annotated[Whole, Field(ge=1, le=365)]


class Credential(Answer):
    """A stored credential, without its value."""

    id: int
    provider: str
    credential_name: str
    description: str = ""
    fingerprint: str | None = Field(None, description="Tells two values apart.")
    is_active: bool = Field(description="False once it is retired and needs a new value.")
    is_stale: bool = Field(False, description="The same value for more than 90 days.")
    created_at: datetime
    updated_at: datetime = Field(description="When the value was last set.")
    last_used_at: datetime | None = None


class Credentials(Answer):
    """Credentials by provider and name."""

    credentials: list[Credential]


class CredentialQuery(Query):
    """Which credentials."""

    provider: Word | None = None


class CredentialBody(Body):
    """A credential to store."""

    provider: Word
    credential_name: Word
    value: str = Field(min_length=1, max_length=20_000)
    description: str | None = Field(None, max_length=500)


class ValidateBody(Body):
    """The stored credential to look at."""

    provider: Word
    credential_name: Word


class Validated(Answer):
    """What can be said of it; `valid` null means that only its first use will tell."""

    provider: str
    credential_name: str
    valid: bool | None = None
    message: str


class RotateBody(Body):
    """Which credentials to retire, and why."""

    provider: Word | None = Field(None, description="null: every provider's.")
    reason: str | None = Field(None, max_length=500)


class RotatedCredential(Answer):
    """A credential that was retired."""

    provider: str
    credential_name: str
    status: str = "rotated"
    error: str | None = None


class Rotated(Answer):
    """What was retired; new values must be set."""

    success: bool = True
    rotated_count: int
    credentials: list[RotatedCredential]
    message: str


class StaleQuery(Query):
    """How old."""

    days: Days = 90


class StaleBody(Body):
    """How old; the query may say it as well."""

    days: Days | None = None


class StaleCredentials(Answer):
    """One person's credentials with an old value."""

    user_id: int
    username: str
    threshold_days: int
    stale_count: int
    credentials: list[Credential]


class StaleReport(Answer):
    """Everybody who has credentials with an old value."""

    threshold_days: int
    total_stale: int
    users: list[StaleCredentials]
