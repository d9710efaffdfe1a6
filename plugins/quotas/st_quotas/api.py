"""`/api/quotas`: read with `quota.view`, set with `quota.manage`; everyone sees where they stand.

Numbers in paths are matched as numbers, so that `types`, `me` and `user` are never taken for one.
"""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint

from st_core.api.guard import current_viewer
from st_core.api.routing import SIGNED_IN, route

from . import rendering, replacing, rows, schemas, standing, subjects
from .kinds import Measure

blueprint = Blueprint("quotas", __name__, template_folder="templates")
ROOT = "/api/quotas"
ONE = f"{ROOT}/<int(max=2147483647):quota_id>"
READ, WRITE = "quota.view", "quota.manage"


@route(
    blueprint,
    ROOT,
    permission=READ,
    summary="Ceilings of people, levels, teams, organisations and everybody",
    answers={200: schemas.Quotas},
)
def list_quotas() -> schemas.Quotas:
    """List ceilings; whoever is no administrator sees those of the own organisation."""
    found = rows.visible(current_viewer())
    return schemas.Quotas(quotas=[rendering.quota(row) for row in found])


@route(
    blueprint,
    ROOT,
    methods=["POST"],
    permission=WRITE,
    summary="Set a ceiling",
    body=schemas.QuotaBody,
    answers={201: schemas.QuotaSaid},
    errors=(400, 404),
)
def set_quota(body: schemas.QuotaBody) -> schemas.QuotaSaid:
    """Set a ceiling; the one of the same scope and type is replaced."""
    viewer = current_viewer()
    numbers = {scope: getattr(body, f"{scope}_id") for scope in ("user", "level", "team", "org")}
    return put(subjects.asked_for(viewer, numbers), body)


@route(
    blueprint,
    f"{ROOT}/types",
    permission=READ,
    summary="Types of quota, actions and modes",
    answers={200: schemas.QuotaTypes},
)
def types() -> schemas.QuotaTypes:
    """List what can be limited, and what a reached ceiling can do."""
    return rendering.types()


@route(
    blueprint,
    f"{ROOT}/me",
    permission=SIGNED_IN,
    summary="Where you stand",
    answers={200: schemas.Standing},
)
def me() -> schemas.Standing:
    """Tell what counts for you, what is in use, and what is left."""
    viewer = current_viewer()
    return rendering.standing(viewer.user_id, standing.of(viewer))


@route(
    blueprint,
    f"{ROOT}/user/<int(max=2147483647):user_id>",
    permission=READ,
    summary="Where somebody stands",
    answers={200: schemas.Standing},
    errors=(404,),
)
def user(user_id: int) -> schemas.Standing:
    """Tell what counts for a person, what is in use, and what is left."""
    found = standing.visible_person(current_viewer(), user_id)
    return rendering.standing(found.id, standing.of_user(found.id))


@route(
    blueprint,
    f"{ROOT}/cost-estimate",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="What a job of some cost would do to your ceilings",
    query=schemas.EstimateQuery,
    answers={200: schemas.CostEstimate},
)
def cost_estimate(query: schemas.EstimateQuery) -> schemas.CostEstimate:
    """Tell which ceilings of cost such a job would exceed; nothing is reserved."""
    impacts = [
        _impact(one, query.estimated_cost)
        for found in standing.of(current_viewer())
        for one in found.counted
        if one.ceiling.kind.measure is Measure.COST
    ]
    return schemas.CostEstimate(
        estimated_cost=query.estimated_cost,
        would_exceed=any(impact.would_exceed for impact in impacts),
        impacts=impacts,
    )


@route(
    blueprint,
    ONE,
    permission=READ,
    summary="One ceiling",
    answers={200: schemas.Quota},
    errors=(404,),
)
def get_quota(quota_id: int) -> schemas.Quota:
    """Return a ceiling."""
    return rendering.quota(rows.one(current_viewer(), quota_id))


@route(
    blueprint,
    ONE,
    methods=["DELETE"],
    permission=WRITE,
    summary="Remove a ceiling",
    answers={200: schemas.Success},
    errors=(404,),
)
def delete_quota(quota_id: int) -> schemas.Success:
    """Remove a ceiling; from the next submission on it does not count."""
    replacing.remove(current_viewer(), quota_id)
    return schemas.Success()


def put(subject: subjects.Subject, body: schemas.CeilingBody) -> schemas.QuotaSaid:
    """Set what a body says for a subject, and return it."""
    number = replacing.put(subject, body.quota_type, body.limit_value, str(body.action), body.mode)
    return rendering.said(rows.one(current_viewer(), number))


def _impact(one: standing.Counted, cost: Decimal) -> schemas.Impact:
    after = one.used + cost
    exceeds = bool(cost) and (after > one.ceiling.limit or one.is_exceeded)
    return schemas.Impact(
        quota_type=one.ceiling.type,
        limit=one.ceiling.limit,
        current=one.used,
        projected=after,
        would_exceed=exceeds,
        action=one.ceiling.action,
        source=one.ceiling.scope,
        message=one.message,
    )
