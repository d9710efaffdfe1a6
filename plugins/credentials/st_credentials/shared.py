"""Shared credentials: keys that administrators store for everybody's jobs."""

from __future__ import annotations

from collections.abc import Sequence

from st_core.contracts import Viewer
from st_core.db import db, retried
from st_core.errors import NotFound
from st_core.services import authority, credential_values, credentials, key_needs
from st_core.services.credentials import Verdict

from .models import CredentialsShared


def all_shared() -> Sequence[CredentialsShared]:
    """Return every shared credential by provider and name."""
    ordered = (CredentialsShared.provider, CredentialsShared.credential_name)
    return db.session.scalars(db.select(CredentialsShared).order_by(*ordered)).all()


@retried
def put(viewer: Viewer, provider: str, name: str, value: str, description: str | None) -> bool:
    """Command: store a value; tell whether the credential is new.

    An unproven value waits beside the one in force. Raises Malformed when the service refuses it.
    """
    db.session.rollback()  # nothing of the database is held while the service is asked
    is_proven = key_needs.prove(provider, name, value)
    with authority.changes_by(viewer):
        row = _find(provider, name)
        before = None if row is None else credential_values.described(row)
        if row is None:
            row = CredentialsShared(provider=provider, credential_name=name)
            db.session.add(row)
        credential_values.store(row, value, is_proven=is_proven)
        if description is not None:
            row.description = description
        db.session.flush()
        text = "has a new value" if before else "is shared with everybody"
        credential_values.told(row, "credential.shared", text, before)
    return before is None


@retried
def delete(viewer: Viewer, provider: str, name: str) -> None:
    """Command: delete a shared credential. Raises NotFound."""
    with authority.changes_by(viewer):
        row = get(provider, name)
        before = credential_values.described(row)
        credential_values.told(row, "credential.unshared", "is shared no more", before)
        db.session.delete(row)


@retried
def rotate(
    viewer: Viewer, provider: str | None, reason: str | None, *, erase: bool
) -> list[CredentialsShared]:
    """Command: ask for new values, of one provider or of all; return those asked for."""
    with authority.changes_by(viewer):
        asked = [row for row in all_shared() if row.is_active and provider in (None, row.provider)]
        for row in asked:
            credential_values.ask_rotation(row, reason, erase=erase)
    return asked


def validate(provider: str, name: str) -> Verdict:
    """Return what can be said about a stored value; its service is asked. Raises NotFound."""
    return credentials.verdict_on(get(provider, name))


def get(provider: str, name: str) -> CredentialsShared:
    """Return one shared credential. Raises NotFound."""
    row = _find(provider, name)
    if row is None:
        raise NotFound(
            f"there is no shared credential {provider}/{name}", code="credential_not_found"
        )
    return row


def _find(provider: str, name: str) -> CredentialsShared | None:
    query = db.select(CredentialsShared).filter_by(provider=provider, credential_name=name)
    return db.session.scalar(query)
