"""Credentials over HTTP: one's own under `/api/users/me`, others' for those who manage users.

No answer ever holds a value.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint

from ..models import ProviderCredential, User
from ..services import credential_values, credentials, users
from .guard import current_viewer
from .routing import route
from .schemas import credentials as schemas
from .schemas.kinds import Success

blueprint = Blueprint("user_credentials", __name__)
MINE = "/api/users/me/credentials"
THEIRS = "/api/users/<int:user_id>/credentials"


@route(
    blueprint,
    MINE,
    permission="api.access",
    summary="My credentials",
    query=schemas.CredentialQuery,
    answers={200: schemas.Credentials},
)
def list_mine(query: schemas.CredentialQuery) -> schemas.Credentials:
    """List the caller's credentials by provider and name."""
    return _listed(current_viewer().user_id, query)


@route(
    blueprint,
    THEIRS,
    permission="admin.users",
    summary="Somebody's credentials",
    query=schemas.CredentialQuery,
    answers={200: schemas.Credentials},
    errors=[404],
)
def list_theirs(user_id: int, query: schemas.CredentialQuery) -> schemas.Credentials:
    """List somebody's credentials by provider and name."""
    return _listed(user_id, query)


@route(
    blueprint,
    MINE,
    methods=["POST"],
    permission="api.access",
    summary="Store a credential of mine",
    body=schemas.CredentialBody,
    answers={201: Success, 200: Success},
)
def put_mine(body: schemas.CredentialBody) -> tuple[Success, int]:
    """Store a credential, in place of an older value."""
    return _put(current_viewer().user_id, body)


@route(
    blueprint,
    THEIRS,
    methods=["POST"],
    permission="admin.users",
    summary="Store a credential of somebody",
    body=schemas.CredentialBody,
    answers={201: Success, 200: Success},
    errors=[404],
)
def put_theirs(user_id: int, body: schemas.CredentialBody) -> tuple[Success, int]:
    """Store a credential for somebody, in place of an older value."""
    return _put(user_id, body)


@route(
    blueprint,
    f"{MINE}/<provider>/<name>",
    methods=["DELETE"],
    permission="api.access",
    summary="Delete a credential of mine",
    answers={200: Success},
    errors=[404],
)
def delete_mine(provider: str, name: str) -> Success:
    """Delete a credential of the caller's."""
    viewer = current_viewer()
    credentials.delete(viewer, viewer.user_id, provider, name)
    return Success()


@route(
    blueprint,
    f"{THEIRS}/<provider>/<name>",
    methods=["DELETE"],
    permission="admin.users",
    summary="Delete a credential of somebody",
    answers={200: Success},
    errors=[404],
)
def delete_theirs(user_id: int, provider: str, name: str) -> Success:
    """Delete somebody's credential."""
    credentials.delete(current_viewer(), user_id, provider, name)
    return Success()


@route(
    blueprint,
    f"{MINE}/validate",
    methods=["POST"],
    permission="api.access",
    summary="Look at a credential of mine",
    body=schemas.ValidateBody,
    answers={200: schemas.Validated},
    errors=[404],
)
def validate_mine(body: schemas.ValidateBody) -> schemas.Validated:
    """Say what can be said about a stored credential; its service is asked where it can be."""
    return _validated(current_viewer().user_id, body)


@route(
    blueprint,
    f"{THEIRS}/validate",
    methods=["POST"],
    permission="admin.users",
    summary="Look at a credential of somebody",
    body=schemas.ValidateBody,
    answers={200: schemas.Validated},
    errors=[404],
)
def validate_theirs(user_id: int, body: schemas.ValidateBody) -> schemas.Validated:
    """Say what can be said about a stored credential; its service is asked where it can be."""
    return _validated(user_id, body)


@route(
    blueprint,
    f"{MINE}/rotate",
    methods=["POST"],
    permission="api.access",
    summary="Ask for new values of my credentials",
    body=schemas.RotateBody,
    answers={200: schemas.Rotated},
)
def rotate_mine(body: schemas.RotateBody) -> schemas.Rotated:
    """Ask for new values of one provider's credentials, or of all; `erase` ends the old ones."""
    return _rotated(current_viewer().user_id, body)


@route(
    blueprint,
    f"{THEIRS}/rotate",
    methods=["POST"],
    permission="admin.users",
    summary="Ask for new values of somebody's credentials",
    body=schemas.RotateBody,
    answers={200: schemas.Rotated},
    errors=[404],
)
def rotate_theirs(user_id: int, body: schemas.RotateBody) -> schemas.Rotated:
    """Ask for new values of one provider's credentials, or of all; `erase` ends the old ones."""
    return _rotated(user_id, body)


@route(
    blueprint,
    f"{MINE}/stale",
    permission="api.access",
    summary="My old credentials",
    query=schemas.StaleQuery,
    answers={200: schemas.StaleCredentials},
)
def stale_mine(query: schemas.StaleQuery) -> schemas.StaleCredentials:
    """List the caller's credentials whose value is older than `days`."""
    return _stale_of(current_viewer().user_id, query.days)


@route(
    blueprint,
    f"{THEIRS}/stale",
    permission="admin.users",
    summary="Somebody's old credentials",
    query=schemas.StaleQuery,
    answers={200: schemas.StaleCredentials},
    errors=[404],
)
def stale_theirs(user_id: int, query: schemas.StaleQuery) -> schemas.StaleCredentials:
    """List somebody's credentials whose value is older than `days`."""
    return _stale_of(user_id, query.days)


@route(
    blueprint,
    "/api/users/credentials/check-stale",
    methods=["POST"],
    permission="admin.users",
    summary="Everybody's old credentials",
    query=schemas.StaleQuery,
    body=schemas.StaleBody,
    answers={200: schemas.StaleReport},
)
def check_stale(query: schemas.StaleQuery, body: schemas.StaleBody) -> schemas.StaleReport:
    """List everybody who has credentials whose value is older than `days`."""
    days = body.days or query.days
    found = credentials.everyones_stale(days)
    return schemas.StaleReport(
        threshold_days=days,
        total_stale=sum(len(one.credentials) for one in found),
        users=[_stale(one.user, one.credentials, days) for one in found],
    )


def _listed(user_id: int, query: schemas.CredentialQuery) -> schemas.Credentials:
    rows = credentials.of(current_viewer(), user_id, query.provider)
    return schemas.Credentials(credentials=[_shown(row) for row in rows])


def _put(user_id: int, body: schemas.CredentialBody) -> tuple[Success, int]:
    is_new = credentials.put(
        current_viewer(),
        user_id,
        body.provider,
        body.credential_name,
        body.value,
        body.description,
    )
    return Success(), 201 if is_new else 200


def _validated(user_id: int, body: schemas.ValidateBody) -> schemas.Validated:
    provider, name = body.provider, body.credential_name
    verdict = credentials.validate(current_viewer(), user_id, provider, name)
    return schemas.Validated(
        provider=provider, credential_name=name, valid=verdict.valid, message=verdict.message
    )


def _rotated(user_id: int, body: schemas.RotateBody) -> schemas.Rotated:
    rows = credentials.rotate(
        current_viewer(), user_id, body.provider, body.reason, erase=body.erase
    )
    return schemas.Rotated(
        rotated_count=len(rows),
        credentials=[
            schemas.RotatedCredential(provider=row.provider, credential_name=row.credential_name)
            for row in rows
        ],
        message=_next_step(body, bool(rows)),
    )


def _next_step(body: schemas.RotateBody, found_any: bool) -> str:
    """Return the sentence that says what is to be done after asking for new values."""
    if not found_any:
        return "There was nothing to rotate."
    if body.erase:
        return "Erased; set new values now."
    return "Set new values now; the old ones are valid until the new ones are proven."


def _stale_of(user_id: int, days: int) -> schemas.StaleCredentials:
    rows = credentials.stale(current_viewer(), user_id, days)
    return _stale(users.get(user_id), rows, days)


def _stale(user: User, rows: Sequence[ProviderCredential], days: int) -> schemas.StaleCredentials:
    return schemas.StaleCredentials(
        user_id=user.id,
        username=user.username,
        threshold_days=days,
        stale_count=len(rows),
        credentials=[_shown(row) for row in rows],
    )


def _shown(row: ProviderCredential) -> schemas.Credential:
    """Return what is told of a stored key: never its value."""
    return schemas.Credential(
        id=row.id,
        provider=row.provider,
        credential_name=row.credential_name,
        description=row.description,
        fingerprint=row.fingerprint,
        new_fingerprint=row.new_fingerprint,
        is_active=row.is_active,
        is_stale=row.is_active and credentials.is_stale(row),
        is_ageing=row.is_active and credential_values.is_ageing(row),
        rotation_asked_at=row.rotation_asked_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
    )
