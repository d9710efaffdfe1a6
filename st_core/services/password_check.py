"""Whether a password is somebody's: asked where the account belongs, and nowhere else.

The password of an account of ours never reaches a directory. An account of a directory is asked of
that one alone. A name nobody has goes down the list of plugins, the core's own check comes last.
"""

from __future__ import annotations

from sqlalchemy import select

from .. import actor
from ..contracts import LoginAttempt, Rejected, SignedIn
from ..db import db
from ..models import AuthProvider, ExternalIdentity, User
from ..plugins import current_plugins
from . import passwords

LOCAL = "local"


def has_password(user: User) -> bool:
    """Tell whether an account can be asked for a password at all."""
    return user.auth_provider == "ldap" or user.password_hash is not None


def fits(user: User, password: str) -> bool:
    """Tell whether `password` is the one of an account that exists. May take a directory's
    time-out."""
    if user.auth_provider == LOCAL:
        return passwords.verify(user.password_hash, password)
    home = identity_of(user)
    if home is None:
        return passwords.verify(None, password)
    identity, provider = home
    answer = ask_outside(user.username, password, provider.name)
    return isinstance(answer, SignedIn) and (answer.person.issuer, answer.person.subject) == (
        identity.issuer,
        identity.subject,
    )


def ask_outside(
    username: str, password: str, provider: str | None = None
) -> SignedIn | Rejected | None:
    """Ask the plugins, only about `provider` when one is named; None when none knows the name."""
    if not password:
        return None
    db.session.remove()  # a directory may take its time, and needs no connection to our database
    attempt = LoginAttempt(address=actor.current().address, provider=provider)
    return current_plugins().check_password(username, password, attempt)


def identity_of(user: User) -> tuple[ExternalIdentity, AuthProvider] | None:
    """Return where an account of an outside provider belongs, None when the provider is gone."""
    row = db.session.execute(
        select(ExternalIdentity, AuthProvider)
        .join(AuthProvider, AuthProvider.id == ExternalIdentity.provider_id)
        .where(ExternalIdentity.user_id == user.id, AuthProvider.enabled)
        .order_by(ExternalIdentity.id)
    ).first()
    return (row[0], row[1]) if row is not None else None
