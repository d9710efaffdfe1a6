"""Accounts as administrators see and change them, and one's own profile."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, StrictBool, model_validator

from .auth import DisplayName, Email, NewPassword, User, Username
from .kinds import Answer, Body, Listing, Page


class Override(Answer):
    """A permission granted to or denied to one person."""

    permission_name: str
    granted: bool


class Account(User):
    """An account; `permissions` are what the person may, `*` being everything."""

    is_service: bool
    is_local_owner: bool = Field(description="Whoever sits at the server's machine.")
    overrides: list[Override] = []


class Accounts(Listing):
    """Accounts, and where to go on."""

    users: list[Account]


class AccountQuery(Page):
    """Which accounts."""

    limit: int = Field(100, ge=1, le=500, description="Most rows to return.")
    include_inactive: bool = Field(False, description="Deactivated accounts, too.")
    is_active: bool | None = Field(None, description="Only active ones, or only others.")
    q: str = Field("", max_length=200, description="In user name, display name or e-mail.")
    level: str = Field("", max_length=50, description="Only those who have this level.")
    source: Literal["", "local", "oidc", "ldap", "service", "machine"] = ""
    sort: str = Field(
        "username", max_length=30, description="username, email, created_at, last_login_at; -x."
    )


class CreateBody(Body):
    """A new account. A service account needs no e-mail and takes no password."""

    email: Email | None = None
    username: Username
    password: NewPassword | None = None
    display_name: DisplayName = None
    is_admin: StrictBool = False
    is_service: StrictBool = Field(False, description="For a program: no sign-in, keys only.")
    level_names: list[str] = Field(["researcher"], max_length=50)

    @model_validator(mode="after")
    def _person_has_mail(self) -> Self:
        if self.email is None and not self.is_service:
            raise ValueError("email is needed, except for a service account")
        return self


class ChangeBody(Body):
    """What to change of an account; what is left out stays."""

    email: Email | None = None
    username: Username | None = None
    display_name: DisplayName = None
    is_active: StrictBool | None = None
    is_admin: StrictBool | None = None
    password: NewPassword | None = None


class LevelBody(Body):
    """A level to give."""

    level_name: str = Field(min_length=1, max_length=50)


class OverrideBody(Body):
    """A permission to grant or to deny."""

    permission_name: str = Field(min_length=1, max_length=100)
    granted: StrictBool = True


class AuthStatus(Answer):
    """Whether people sign in here."""

    in_use: bool
    user_count: int
    has_external_providers: bool


class Profile(Answer):
    """One's own account, as one's own page shows it."""

    id: int
    email: str
    username: str
    display_name: str | None = None
    avatar_url: str | None = None
    auth_provider: str
    is_admin: bool
    created_at: datetime


class ProfileBody(Body):
    """What one may change of oneself."""

    display_name: DisplayName = None


class AvatarBody(Body):
    """A picture as a data URL: png, jpeg, gif or webp, at most 512 KB."""

    data_url: str = Field(max_length=800_000)


class Avatar(Answer):
    """Where the picture is."""

    success: bool = True
    avatar_url: str | None = None
