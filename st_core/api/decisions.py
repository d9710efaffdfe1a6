"""Decisions over HTTP: what was decided and why, the same once more, and what would have been."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint

from ..models import Decision
from ..services import decision_record, decisions, shadow_report, what_if
from ..services.decision_record import Replay, Wanted
from .guard import current_viewer
from .routing import route
from .schemas import decisions as schemas

blueprint = Blueprint("decisions", __name__)
#: One's own decisions, and everybody's with the first of these.
SEE = (decision_record.SEES_ALL, "job.view.own")


@route(
    blueprint,
    "/api/decisions",
    permission=SEE,
    summary="What was decided about submissions, the newest first",
    query=schemas.DecisionQuery,
    answers={200: schemas.Decisions},
)
def list_decisions(query: schemas.DecisionQuery) -> schemas.Decisions:
    """List own decisions, everyone's with `admin.audit`."""
    wanted = Wanted(**query.model_dump(exclude={"limit", "cursor"}))
    found = decision_record.page(current_viewer(), wanted, limit=query.limit, before=query.cursor)
    return schemas.Decisions(
        decisions=[schemas.Decision(**_fields(row)) for row in found.rows],
        next=str(found.older) if found.older else None,
    )


@route(
    blueprint,
    "/api/decisions/<int(max=2147483647):decision_id>",
    permission=SEE,
    summary="One decision, with the documents that decided it",
    answers={200: schemas.DecisionDetail},
)
def get(decision_id: int) -> schemas.DecisionDetail:
    """Tell what was asked, what each policy knew and said, and under which document."""
    row = decision_record.get(current_viewer(), decision_id)
    kept = {name: dict(document) for name, document in decision_record.documents(row).items()}
    return schemas.DecisionDetail(**_fields(row), documents=kept)


@route(
    blueprint,
    "/api/decisions/<int(max=2147483647):decision_id>/replay",
    methods=["POST"],
    permission=SEE,
    summary="Decide again from the record",
    answers={200: schemas.Replayed},
)
def replay(decision_id: int) -> schemas.Replayed:
    """Ask today's code the recorded question under the recorded document; nothing is written."""
    return _replayed(decision_record.replay(decision_record.get(current_viewer(), decision_id)))


@route(
    blueprint,
    "/api/policy/documents",
    permission=what_if.MAY,
    summary="What is in force of every policy",
    answers={200: schemas.PolicyDocuments},
    tags=["policies"],
)
def documents() -> schemas.PolicyDocuments:
    """List every policy with its document, as `/api/policy/what-if` takes it."""
    found = []
    for policy in decisions.policies().values():
        document, digest = decisions.in_force(policy)
        found.append(
            schemas.PolicyDocument(
                policy=policy.name, title=policy.title, digest=digest, document=document
            )
        )
    return schemas.PolicyDocuments(policies=found)


@route(
    blueprint,
    "/api/policy/what-if",
    methods=["POST"],
    permission=what_if.MAY,
    summary="What another document would have done",
    body=schemas.WhatIfBody,
    answers={200: schemas.Hindsight},
    tags=["policies"],
)
def try_out(body: schemas.WhatIfBody) -> schemas.Hindsight:
    """Decide the submissions of the last days again under a document that is not in force."""
    found = what_if.ask(current_viewer(), body.policy, body.document, body.days)
    people = [
        schemas.PersonTally(user=name, **asdict(tally)) for name, tally in what_if.ranking(found)
    ]
    return schemas.Hindsight(
        **{name: getattr(found, name) for name in _FIGURES},
        total=schemas.Tally(**asdict(found.total)),
        people=people,
        examples=[
            schemas.Otherwise(**asdict(one) | {"job_id": one.job_id and str(one.job_id)})
            for one in found.examples
        ],
    )


_FIGURES = (
    "policy",
    "days",
    "considered",
    "changed",
    "is_capped",
    "reconstructed",
    "unpriced",
    "notes",
)


@route(
    blueprint,
    "/api/policy/shadow",
    permission=what_if.MAY,
    summary="What rules in shadow mode would have done",
    query=schemas.ShadowQuery,
    answers={200: schemas.ShadowReport},
    tags=["policies"],
)
def shadow(query: schemas.ShadowQuery) -> schemas.ShadowReport:
    """Tell of every rule in shadow mode how often it would have refused or asked, and whom."""
    report = shadow_report.of(query.days)
    return schemas.ShadowReport(
        days=report.days,
        is_capped=report.is_capped,
        rules=[
            schemas.ShadowRule(**asdict(one) | {"people": sorted(one.people)})
            for one in report.rules
        ],
    )


def _fields(row: Decision) -> dict[str, object]:
    return {
        "id": row.id,
        "at": row.at,
        "job_id": str(row.job_id) if row.job_id else None,
        "user_id": row.user_id,
        "user": row.asked.get("user", ""),
        "outcome": row.outcome,
        "asked": row.asked,
        "answers": row.answers,
    }


def _replayed(found: Replay) -> schemas.Replayed:
    return schemas.Replayed(
        decision_id=found.decision_id,
        same=found.is_same,
        outcome=found.outcome,
        differences=[schemas.Difference(**asdict(one)) for one in found.differences],
    )
