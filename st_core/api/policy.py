"""`/api/policy`: everything that governs the server as files, exported, planned and applied."""

from __future__ import annotations

from flask import Blueprint

from ..services.policy_parts import applying, files, parts, planning
from ..services.what_if import Hindsight
from .guard import current_viewer
from .routing import route
from .schemas import policy as schemas

blueprint = Blueprint("policy", __name__)
MAY = "admin.config"


@route(
    blueprint,
    "/api/policy",
    permission=MAY,
    summary="Export the policy in force",
    answers={200: schemas.Exported},
)
def export() -> schemas.Exported:
    """Return levels, organisations, teams and every plugin's rules as documents and as files."""
    documents = applying.export(current_viewer())
    known = parts.known()
    return schemas.Exported(
        digest=parts.digest(documents),
        parts=documents,
        files=files.write(documents, {name: part.title for name, part in known.items()}),
    )


@route(
    blueprint,
    "/api/policy/plan",
    methods=["POST"],
    permission=MAY,
    summary="Plan a change of policy",
    body=schemas.PlanBody,
    answers={200: schemas.Planned},
)
def plan(body: schemas.PlanBody) -> schemas.Planned:
    """Say what files would change, what their tests say, and what they would have done; nothing is
    written."""
    tree = files.read(body.files, parts.known())
    return _planned(planning.plan(current_viewer(), tree, body.days))


@route(
    blueprint,
    "/api/policy/apply",
    methods=["POST"],
    permission=MAY,
    summary="Put policy files in force",
    body=schemas.ApplyBody,
    answers={200: schemas.Planned},
    errors=[400, 409],
    step_up=True,
)
def apply(body: schemas.ApplyBody) -> schemas.Planned:
    """Put files in force, all of them or nothing; a failing test stops it."""
    tree = files.read(body.files, parts.known())
    return _planned(applying.apply(current_viewer(), tree, expected=body.digest))


def _planned(found: planning.Plan) -> schemas.Planned:
    return schemas.Planned(
        changes_anything=found.changes_anything,
        passes=found.passes,
        digest_before=found.digest_before,
        digest_after=found.digest_after,
        parts=[
            schemas.PlannedPart(
                name=part.name,
                title=part.title,
                changes=[schemas.Change.model_validate(each) for each in part.changes],
                warnings=list(part.warnings),
                history=_history(part.history) if part.history else None,
            )
            for part in found.parts
        ],
        tests=[schemas.CaseResult.model_validate(each) for each in found.results],
        text=planning.text_of(found),
    )


def _history(found: Hindsight) -> schemas.History:
    return schemas.History(
        days=found.days,
        considered=found.considered,
        changed=found.changed,
        refused=found.total.refused,
        asked=found.total.asked,
        admitted=found.total.admitted,
        examples=[schemas.Example.model_validate(each) for each in found.examples],
        notes=found.notes,
    )
