"""`/api/approvals/delegations`: let somebody decide in one's place, until a date."""

from __future__ import annotations

from st_core.api.guard import current_viewer
from st_core.api.routing import SIGNED_IN, route

from . import delegations, rendering, schemas
from .rules_api import ROOT, blueprint


@route(
    blueprint,
    f"{ROOT}/delegations",
    permission=SIGNED_IN,
    summary="Delegations that concern the caller; with admin.config all of them",
    answers={200: schemas.Delegations},
)
def list_delegations() -> schemas.Delegations:
    """List delegations, the newest first."""
    found = rendering.delegations(delegations.listed(current_viewer()))
    return schemas.Delegations(delegations=found, total=len(found))


@route(
    blueprint,
    f"{ROOT}/delegations",
    methods=["POST"],
    permission=delegations.RIGHT,
    summary="Let somebody decide in the caller's place",
    body=schemas.DelegationBody,
    answers={201: schemas.Delegation},
    errors=(400, 404),
)
def delegate(body: schemas.DelegationBody) -> schemas.Delegation:
    """Give one's voice to somebody until a date; what they decide names both."""
    row = delegations.create(current_viewer(), body.delegate, body.ends_at, body.note)
    return rendering.delegations([row])[0]


@route(
    blueprint,
    f"{ROOT}/delegations/<int:delegation_id>",
    methods=["DELETE"],
    permission=SIGNED_IN,
    summary="Take a delegation back",
    answers={200: schemas.Done},
    errors=(404, 409),
)
def end(delegation_id: int) -> schemas.Done:
    """End a delegation of one's own, or with admin.config anybody's."""
    delegations.end(current_viewer(), delegation_id)
    return schemas.Done()
