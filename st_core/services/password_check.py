"""Whether a password is somebody's: asked where the account belongs, and nowhere else.

The password of an account of ours never reaches a directory. An account of a directory is asked of
that one alone. A name nobody has goes down the list of plugins, the core's own check comes last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from .. import actor
from ..contracts import LoginAttempt, Rejected, SignedIn
from ..db import db
from ..errors import NotAllowed, SetTimeRule
from ..models import AuthProvider, ExternalIdentity, User
from ..plugins import current_plugins
from . import external_auth, passwords

LOCAL = "local"


@dataclass(frozen=True)
class Proven:
    """Who a password belongs to, and who says so; or the `problem`, for the administrators."""

    user: User | None
    problem: str = ""
    method: str = "password"
    provider: str | None = None
    provider_id: int | None = None
    provider_state: Mapping[str, str] = field(default_factory=dict)


def find(name: str) -> User | None:
    """Return the account of a user name or, where no name fits, of an e-mail address."""
    for column in (User.username, User.email):
        found = db.session.scalar(select(User).where(func.lower(column) == name.lower()))
        if found is not None:
            return found
    return None


def prove(name: str, password: str, provider: str | None = None) -> Proven:
    """Say whose name and password these are; `provider` is the one the person chose.

    However it ends, it takes at least as long as comparing one password.
    """
    user = find(name)
    if provider in (None, LOCAL) and user is not None and user.auth_provider == LOCAL:
        fits = passwords.verify(user.password_hash, password)
        return Proven(user, _problem(user) if fits else "wrong password")
    asked = _home(user) if user is not None and provider is None else provider
    if (user is not None and asked is None) or asked == LOCAL:
        passwords.verify(None, password)
        return Proven(user, "no password here" if user else "unknown name")
    answer = ask_outside(user.username if user and provider is None else name, password, asked)
    if not isinstance(answer, SignedIn):
        passwords.verify(None, password)
        return _refused(user, answer)
    return _admitted(user, answer)


def _home(user: User) -> str | None:
    """Return the name of the directory an account belongs to, None for an account of another
    kind."""
    home = identity_of(user) if user.auth_provider == "ldap" else None
    return home[1].name if home else None


def _refused(user: User | None, answer: Rejected | None) -> Proven:
    if answer is None:
        return Proven(user, "wrong password" if user else "unknown name")
    reason = "the provider does not answer" if answer.unavailable else answer.reason
    return Proven(user, reason, provider=answer.provider)


def _admitted(user: User | None, answer: SignedIn) -> Proven:
    """Command: find or make the account of somebody a directory vouches for."""
    try:
        found = external_auth.sign_in(answer.provider, answer.person)
    except (NotAllowed, SetTimeRule) as error:
        return Proven(user, error.detail, provider=answer.provider)
    record = db.session.scalar(select(AuthProvider).where(AuthProvider.name == answer.provider))
    if record is None:
        return Proven(user, "the provider is gone", provider=answer.provider)
    return Proven(
        found,
        _problem(found),
        method=record.kind,
        provider=record.name,
        provider_id=record.id,
        provider_state=answer.person.provider_state,
    )


def _problem(user: User) -> str:
    """Return why somebody may not come in though the password is right, empty when they may."""
    if user.is_service:
        return "a service account signs in with its keys only"
    return "" if user.is_active else "the account is inactive"


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
