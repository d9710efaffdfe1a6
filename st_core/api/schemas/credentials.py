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
    new_fingerprint: str | None = Field(
        None, description="A new value waits to be proven; the old one is valid until then."
    )
    is_active: bool = Field(description="False once it is erased and needs a new value.")
    is_stale: bool = Field(False, description="The same value for longer than the setting says.")
    is_ageing: bool = Field(False, description="It will be stale soon.")
    rotation_asked_at: datetime | None = Field(
        None, description="When a new value was asked for, until one is proven."
    )
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
    """Which credentials need new values, and why."""

    provider: Word | None = Field(None, description="null: every provider's.")
    reason: str | None = Field(None, max_length=500)
    erase: bool = Field(False, description="End the old values at once, as after a leak.")


class RotatedCredential(Answer):
    """A credential that needs a new value."""

    provider: str
    credential_name: str
    status: str = "rotated"
    error: str | None = None


class Rotated(Answer):
    """What needs new values; until they are proven the old ones are valid."""

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


class SecuritySettings(Answer):
    """When credentials are old."""

    stale_threshold_days: int = Field(description="Days after which a value is stale.")
    early_warning_enabled: bool = Field(description="Whether there is a badge before that.")
    early_warning_percent: int = Field(description="At which part of that age it comes.")


class SecuritySettingsBody(Body):
    """What to change; null leaves it as it is."""

    stale_threshold_days: Days | None = None
    early_warning_enabled: bool | None = None
    early_warning_percent: Annotated[Whole, Field(ge=1, le=99)] | None = None
