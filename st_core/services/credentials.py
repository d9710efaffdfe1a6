"""Credentials: keys of outside services that people keep here, sealed; shown by fingerprint only.

A *stale* credential has had the same value for longer than a number of days. *Rotating* asks for a
new value; the old one is valid until the new one is proven, or is erased at once if asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from .. import secrets
from ..clock import now
from ..contracts import KeyCheck, Viewer
from ..db import db, retried, unit_of_work
from ..errors import NotFound
from ..models import ProviderCredential, User
from ..models.credentials import StoredKey
from . import authority, credential_values, events, key_needs, profiles, users
from .credential_values import STALE_DAYS, is_stale


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
    """Command: store a credential; tell whether it is new. Its service is asked about the value
    first, where it can be.

    An unproven value waits beside the one in force. Raises NotFound, NotAllowed as `of` does,
    Malformed when the service refuses the value.
    """
    _require(viewer, users.get(user_id))
    db.session.rollback()  # nothing of the database is held while the service is asked
    is_proven = key_needs.prove(provider, name, value)
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        _require(viewer, user)
        row = _find(user_id, provider, name)
        before = None if row is None else credential_values.described(row)
        if row is None:
            row = ProviderCredential(user_id=user_id, provider=provider, credential_name=name)
            db.session.add(row)
        credential_values.store(row, value, is_proven=is_proven)
        if description is not None:
            row.description = description
        db.session.flush()
        what = "has a new value" if before else "was stored"
        credential_values.told(row, "credential.created", f"{what} for {user.username}", before)
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
            before=credential_values.described(row),
            message=f"the credential {provider}/{name} of {user.username} was deleted",
        )
        db.session.delete(row)


@retried
def rotate(
    viewer: Viewer,
    user_id: int,
    provider: str | None = None,
    reason: str | None = None,
    *,
    erase: bool = False,
) -> list[ProviderCredential]:
    """Command: ask for new values of a person's credentials, of one provider or of all; return
    them.

    The old values are valid until new ones are proven; `erase` ends them at once. Raises NotFound,
    NotAllowed as `of` does.
    """
    with authority.changes_by(viewer):
        users.lock(user_id)
        asked = [row for row in of(viewer, user_id, provider) if row.is_active]
        for row in asked:
            credential_values.ask_rotation(row, reason, erase=erase)
    return asked


def validate(viewer: Viewer, user_id: int, provider: str, name: str) -> Verdict:
    """Return what can be said about a stored credential; its service is asked where it can be.

    A new value that waits is the one looked at. Raises NotFound, NotAllowed as `of` does.
    """
    _require(viewer, users.get(user_id))
    return verdict_on(_existing(user_id, provider, name))


def verdict_on(row: StoredKey) -> Verdict:
    """Return what can be said about a stored key. An answer of its service settles a new value."""
    is_new = row.new_sealed is not None
    if row.sealed is None and not is_new:
        return Verdict(False, "It was erased: set a new value.")
    try:
        value = credential_values.opened(row, new=is_new)
    except secrets.SecretLost as error:
        return Verdict(False, error.detail)
    age, stale_now = (now() - row.updated_at).days, is_stale(row)
    kind, row_id, service, name = type(row), row.id, row.provider, row.credential_name
    fingerprint = row.new_fingerprint
    db.session.rollback()  # outside from here on
    found = key_needs.check(service, name, value)
    if is_new and found.valid is not None:
        settle(kind, row_id, fingerprint, found)
    aged = f" It is {age} days old: rotate it." if stale_now else ""
    return Verdict(found.valid, found.message + aged)


@retried
def settle(kind: type[StoredKey], row_id: int, fingerprint: str | None, verdict: KeyCheck) -> None:
    """Command: prove or roll back the new value with this fingerprint, unless it is gone."""
    with unit_of_work():
        row = db.session.get(kind, row_id, populate_existing=True, with_for_update=True)
        if row is None or row.new_fingerprint is None or row.new_fingerprint != fingerprint:
            return
        if verdict.valid:
            credential_values.prove(row)
        else:
            credential_values.roll_back(row, verdict.message)


def stale(viewer: Viewer, user_id: int, days: int | None = None) -> list[ProviderCredential]:
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
