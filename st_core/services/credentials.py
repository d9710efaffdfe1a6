"""Credentials: keys of outside services that people keep here, sealed; shown by fingerprint only.

A *stale* credential has had the same value for longer than a number of days. *Rotating* retires
values: they are erased, and the person must set new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from .. import secrets
from ..clock import now
from ..contracts import Viewer
from ..db import db, retried
from ..errors import NotFound
from ..models import ProviderCredential, User
from . import authority, events, profiles, users

STALE_DAYS = 90


@dataclass(frozen=True)
class Verdict:
    """What could be found out about a stored credential; `valid` is None when only its provider
    could tell."""

    valid: bool | None
    message: str


@dataclass(frozen=True)
class Stale:
    """One person's stale credentials."""

    user: User
    credentials: list[ProviderCredential]


def of(viewer: Viewer, user_id: int, provider: str | None = None) -> list[ProviderCredential]:
    """Return somebody's credentials by provider and name.

    Raises NotFound, NotAllowed when they are somebody else's who may more than the viewer.
    """
    _require(viewer, users.get(user_id))
    mine = select(ProviderCredential).where(ProviderCredential.user_id == user_id)
    if provider is not None:
        mine = mine.where(ProviderCredential.provider == provider)
    ordered = mine.order_by(ProviderCredential.provider, ProviderCredential.credential_name)
    return list(db.session.scalars(ordered))


@retried
def put(
    viewer: Viewer, user_id: int, provider: str, name: str, value: str, description: str | None
) -> bool:
    """Command: store a credential, in place of an older value; tell whether it is new.

    Raises NotFound, NotAllowed as `of` does.
    """
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        _require(viewer, user)
        row = _find(user_id, provider, name)
        before = None if row is None else _described(row)
        if row is None:
            row = ProviderCredential(user_id=user_id, provider=provider, credential_name=name)
            db.session.add(row)
        row.sealed = secrets.seal(value, _place(row))
        row.fingerprint = secrets.fingerprint(value)
        row.is_active, row.updated_at = True, now()
        if description is not None:
            row.description = description
        db.session.flush()
        events.emit(
            "credential.created",
            subject=("credential", row.id),
            owner_id=user_id,
            before=before,
            after=_described(row),
            message=f"{user.username} has a {'new ' if before else ''}credential {provider}/{name}",
        )
    return before is None


@retried
def delete(viewer: Viewer, user_id: int, provider: str, name: str) -> None:
    """Command: delete a credential. Raises NotFound, NotAllowed as `of` does."""
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        _require(viewer, user)
        row = _existing(user_id, provider, name)
        events.emit(
            "credential.deleted",
            subject=("credential", row.id),
            owner_id=user_id,
            before=_described(row),
            message=f"the credential {provider}/{name} of {user.username} was deleted",
        )
        db.session.delete(row)


@retried
def rotate(
    viewer: Viewer, user_id: int, provider: str | None = None, reason: str | None = None
) -> list[ProviderCredential]:
    """Command: retire a person's credentials, of one provider or of all; return them.

    Their values are erased. Raises NotFound, NotAllowed as `of` does.
    """
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        retired = [row for row in of(viewer, user_id, provider) if row.is_active]
        for row in retired:
            before = _described(row)
            row.is_active, row.sealed = False, None
            events.emit(
                "credential.rotated",
                subject=("credential", row.id),
                owner_id=user_id,
                before=before,
                after=_described(row),
                data={"reason": reason} if reason else {},
                message=f"the credential {row.provider}/{row.credential_name} of {user.username} "
                "was retired; a new value must be set",
            )
    return retired


def validate(viewer: Viewer, user_id: int, provider: str, name: str) -> Verdict:
    """Return what can be said about a stored credential without asking its provider.

    Raises NotFound, NotAllowed as `of` does.
    """
    _require(viewer, users.get(user_id))
    row = _existing(user_id, provider, name)
    if not row.is_active or row.sealed is None:
        return Verdict(False, "It was retired: set a new value.")
    try:
        secrets.unseal(row.sealed, _place(row))
    except secrets.SecretLost as error:
        return Verdict(False, error.detail)
    age = (now() - row.updated_at).days
    aged = f" It is {age} days old: rotate it." if age > STALE_DAYS else ""
    return Verdict(
        None,
        "It is stored and can be read; whether its provider accepts it shows at its first use."
        + aged,
    )


def stale(viewer: Viewer, user_id: int, days: int = STALE_DAYS) -> list[ProviderCredential]:
    """Return a person's active credentials whose value is older than `days`.

    Raises NotFound, NotAllowed as `of` does.
    """
    return [row for row in of(viewer, user_id) if row.is_active and is_stale(row, days)]


def everyones_stale(days: int = STALE_DAYS) -> list[Stale]:
    """Return everybody who has stale credentials, by name."""
    rows = db.session.execute(
        select(User, ProviderCredential)
        .join(ProviderCredential, ProviderCredential.user_id == User.id)
        .where(ProviderCredential.is_active)
        .where(ProviderCredential.updated_at < now() - timedelta(days=days))
        .order_by(User.username, ProviderCredential.provider, ProviderCredential.credential_name)
    )
    found: dict[int, Stale] = {}
    for user, row in rows:
        found.setdefault(user.id, Stale(user, [])).credentials.append(row)
    return list(found.values())


def is_stale(row: ProviderCredential, days: int = STALE_DAYS) -> bool:
    """Tell whether a credential's value was set more than `days` days ago."""
    return row.updated_at < now() - timedelta(days=days)


def _require(viewer: Viewer, user: User) -> None:
    """Pass when the viewer may look after this person's credentials: one's own, or as `admin.users`
    those of people who may no more than oneself."""
    if user.id == viewer.user_id:
        profiles.require_person(viewer)
    else:
        authority.require_over(viewer, user)


def _find(user_id: int, provider: str, name: str) -> ProviderCredential | None:
    return db.session.scalar(
        select(ProviderCredential).where(
            ProviderCredential.user_id == user_id,
            ProviderCredential.provider == provider,
            ProviderCredential.credential_name == name,
        )
    )


def _existing(user_id: int, provider: str, name: str) -> ProviderCredential:
    row = _find(user_id, provider, name)
    if row is None:
        raise NotFound(f"there is no credential {provider}/{name}", code="credential_not_found")
    return row


def _place(row: ProviderCredential) -> str:
    return secrets.place(
        ProviderCredential.sealed.property.columns[0],
        user_id=row.user_id,
        provider=row.provider,
        credential_name=row.credential_name,
    )


def _described(row: ProviderCredential) -> dict[str, str | bool | None]:
    """Return what events tell of a credential: never its value."""
    return {
        "provider": row.provider,
        "credential_name": row.credential_name,
        "fingerprint": row.fingerprint,
        "is_active": row.is_active,
    }
