"""`/api/credentials/shared`: keys for everybody's jobs, for those who configure the server.

No answer ever holds a value.
"""

from __future__ import annotations

from flask import Blueprint

from st_core.api.guard import current_viewer
from st_core.api.routing import route
from st_core.services import credential_values

from . import schemas, shared
from .models import CredentialsShared
from .settings import MAY

blueprint = Blueprint("credentials", __name__, template_folder="templates")
ROOT = "/api/credentials/shared"


@route(
    blueprint,
    ROOT,
    permission=MAY,
    summary="Shared credentials",
    answers={200: schemas.SharedCredentials},
)
def list_shared() -> schemas.SharedCredentials:
    """List the keys that everybody's jobs may use, by provider and name."""
    return schemas.SharedCredentials(credentials=[_shown(row) for row in shared.all_shared()])


@route(
    blueprint,
    ROOT,
    methods=["POST"],
    permission=MAY,
    summary="Share a credential",
    body=schemas.SharedBody,
    answers={201: schemas.SharedDone, 200: schemas.SharedDone},
    step_up=True,
)
def put_shared(body: schemas.SharedBody) -> tuple[schemas.SharedDone, int]:
    """Store a key for everybody's jobs; an old value is valid until the new one is proven."""
    is_new = shared.put(
        current_viewer(), body.provider, body.credential_name, body.value, body.description
    )
    return schemas.SharedDone(), 201 if is_new else 200


@route(
    blueprint,
    f"{ROOT}/<provider>/<name>",
    methods=["DELETE"],
    permission=MAY,
    summary="Share a credential no more",
    answers={200: schemas.SharedDone},
    errors=[404],
    step_up=True,
)
def delete_shared(provider: str, name: str) -> schemas.SharedDone:
    """Delete a shared key; jobs that run keep what they were given."""
    shared.delete(current_viewer(), provider, name)
    return schemas.SharedDone()


@route(
    blueprint,
    f"{ROOT}/validate",
    methods=["POST"],
    permission=MAY,
    summary="Look at a shared credential",
    body=schemas.SharedName,
    answers={200: schemas.SharedVerdict},
    errors=[404],
)
def validate_shared(body: schemas.SharedName) -> schemas.SharedVerdict:
    """Say what can be said about a shared key; its service is asked where it can be."""
    verdict = shared.validate(body.provider, body.credential_name)
    return schemas.SharedVerdict(
        provider=body.provider,
        credential_name=body.credential_name,
        valid=verdict.valid,
        message=verdict.message,
    )


@route(
    blueprint,
    f"{ROOT}/rotate",
    methods=["POST"],
    permission=MAY,
    summary="Ask for new values of shared credentials",
    body=schemas.SharedRotateBody,
    answers={200: schemas.SharedRotated},
)
def rotate_shared(body: schemas.SharedRotateBody) -> schemas.SharedRotated:
    """Ask for new values of one provider's shared keys, or of all; `erase` ends the old ones."""
    rows = shared.rotate(current_viewer(), body.provider, body.reason, erase=body.erase)
    message = "Set new values now; the old ones are valid until the new ones are proven."
    if body.erase:
        message = "Erased; set new values now."
    return schemas.SharedRotated(
        rotated_count=len(rows), message=message if rows else "There was nothing to rotate."
    )


def _shown(row: CredentialsShared) -> schemas.SharedCredential:
    told = schemas.SharedCredential.model_validate(row)
    told.is_stale = row.is_active and credential_values.is_stale(row)
    told.is_ageing = row.is_active and credential_values.is_ageing(row)
    return told
