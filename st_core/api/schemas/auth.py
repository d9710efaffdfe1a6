"""Who one is, and coming and going."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import EmailStr, Field

from .kinds import Answer, Body

Username = Annotated[str, Field(min_length=3, max_length=50, pattern=r"^[a-zA-Z0-9_-]+$")]
NewPassword = Annotated[str, Field(min_length=8, max_length=1024)]
GivenPassword = Annotated[str, Field(min_length=1, max_length=1024)]
DisplayName = Annotated[str | None, Field(max_length=100)]
Email = Annotated[EmailStr, Field(max_length=254)]


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


class LoginBody(Body):
    """Name or e-mail, and password."""

    username: str = Field(min_length=1, max_length=254, description="User name or e-mail.")
    password: GivenPassword
    remember_me: bool = Field(False, description="30 days instead of 24 hours.")
    provider: str | None = Field(
        None, max_length=100, description="Ask only this sign-in provider."
    )


class LoginAnswer(Answer):
    """Who signed in, or that a code is still to come."""

    success: bool
    user: User | None = None
    message: str | None = None
    second_factor_required: bool = False


class PasswordBody(Body):
    """The password of now, and the new one."""

    current_password: GivenPassword
    new_password: NewPassword


class Session(Answer):
    """A browser that is signed in."""

    id: int
    method: str = Field(description="password, oidc or ldap.")
    address: str | None = None
    user_agent: str | None = None
    created_at: datetime
    last_seen_at: datetime | None = None
    expires_at: datetime
    is_current: bool = Field(False, description="It is the one that asks.")


class Sessions(Answer):
    """Browsers that are signed in, the newest first."""

    sessions: list[Session]


class SessionsEnded(Answer):
    """How many sessions were ended."""

    success: bool = True
    ended: int


class ConfirmBody(Body):
    """Proof of presence: the password, or a code of the second factor."""

    password: str | None = Field(None, min_length=1, max_length=1024)
    code: str | None = Field(None, min_length=6, max_length=40)


class Confirmed(Answer):
    """Until when the most dangerous actions are open."""

    success: bool = True
    expires_at: datetime


class CodeBody(Body):
    """A code of the authenticator app, or a recovery code."""

    code: str = Field(min_length=6, max_length=40)


class SecondFactor(Answer):
    """How far the second factor is."""

    enabled: bool
    recovery_codes_left: int


class Enrolment(Answer):
    """What an authenticator app needs, shown this once."""

    secret: str = Field(description="The key, to be typed where no code can be scanned.")
    uri: str = Field(description="otpauth://…, what the QR code says.")
    qr_svg: str = Field(description="The QR code, as an SVG element.")


class RecoveryCodes(Answer):
    """Codes that stand in for a lost app, each once; shown this once."""

    success: bool = True
    recovery_codes: list[str]
