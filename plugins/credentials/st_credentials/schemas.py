"""Shared credentials over HTTP. A value goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: A word of the address, too: no slash, and nothing that cannot be seen.
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/\x00-\x1f\x7f]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SharedCredential(BaseModel):
    """A key that everybody's jobs may use, without its value."""

    model_config = ConfigDict(from_attributes=True)

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
    rotation_asked_at: datetime | None = None
    created_at: datetime
    updated_at: datetime = Field(description="When the value was last set.")
    last_used_at: datetime | None = None


class SharedCredentials(BaseModel):
    """Shared credentials by provider and name."""

    credentials: list[SharedCredential]


class SharedBody(_Body):
    """A key to share."""

    provider: Word
    credential_name: Word
    value: str = Field(min_length=1, max_length=20_000)
    description: str | None = Field(None, max_length=500)


class SharedName(_Body):
    """The shared key to look at."""

    provider: Word
    credential_name: Word


class SharedVerdict(BaseModel):
    """What can be said of it; `valid` null means that only its first use will tell."""

    provider: str
    credential_name: str
    valid: bool | None = None
    message: str


class SharedRotateBody(_Body):
    """Which shared keys need new values, and why."""

    provider: Word | None = Field(None, description="null: every provider's.")
    reason: str | None = Field(None, max_length=500)
    erase: bool = Field(False, description="End the old values at once, as after a leak.")


class SharedRotated(BaseModel):
    """How many shared keys need new values; until those are proven the old ones are valid."""

    success: bool = True
    rotated_count: int
    message: str


class SharedDone(BaseModel):
    """It is done."""

    success: bool = True
