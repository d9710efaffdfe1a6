"""Ways in besides signing in: set-up, registration, invitations and links to a new password."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from .auth import DisplayName, Email, NewPassword, Username
from .kinds import Answer, Body


class RegisterBody(Body):
    """An account somebody asks for themselves."""

    email: Email
    username: Username
    password: NewPassword
    display_name: DisplayName = None


class FirstAdminBody(RegisterBody):
    """The first administrator; who does not sit at the server's machine gives the set-up code."""

    code: str | None = Field(None, max_length=100, description="Printed on the server's console.")


class Registration(Answer):
    """Whether people may make an account themselves, and at which level they begin."""

    enabled: bool
    default_level: str
    email_configured: bool = Field(False, description="Whether this server can send mail.")
    email_required_warning: str | None = None


class RegistrationBody(Body):
    """What to change; what is left out stays."""

    enabled: bool | None = None
    default_level: str | None = Field(None, max_length=50)


class InvitationBody(Body):
    """Whom to invite, and the levels they begin with."""

    email: Email
    level_names: list[str] = Field(["researcher"], max_length=20)
    expires_hours: int = Field(72, ge=1, le=720, description="How long the link holds.")


class LinkBody(Body):
    """How long the link holds."""

    expires_hours: int = Field(24, ge=1, le=168)


class Link(Answer):
    """A link to hand over, shown this once: while no mail is sent, you pass it on yourself."""

    success: bool = True
    id: int
    url: str = Field(description="The token stands behind the #, which no server is told.")
    token: str
    expires_at: datetime


class Invitation(Answer):
    """An invitation nobody has accepted yet."""

    id: int
    email: str | None = None
    level_names: list[str]
    created_at: datetime
    expires_at: datetime
    created_by: str | None = None


class Invitations(Answer):
    """Invitations nobody has accepted yet, the newest first."""

    invitations: list[Invitation]


class TokenBody(Body):
    """The token of a link."""

    token: str = Field(min_length=1, max_length=200)


class LinkShown(Answer):
    """What a link lets its holder do."""

    purpose: str = Field(description="invitation or password_reset.")
    email: str | None = None
    username: str | None = None
    expires_at: datetime


class AcceptBody(TokenBody):
    """The account somebody makes with an invitation; its e-mail is the invitation's."""

    username: Username
    password: NewPassword
    display_name: DisplayName = None


class ResetBody(TokenBody):
    """A new password, with the token of a reset link."""

    new_password: NewPassword
