"""`/api/orgs/{id}/quotas` and those of its teams (guide section 6)."""

from __future__ import annotations

from st_core.api.guard import current_viewer
from st_core.api.routing import route
from st_core.services import orgs, teams

from . import rendering, rows, schemas, subjects
from .api import blueprint, put

ORG = "/api/orgs/<int(max=2147483647):org_id>/quotas"
TEAM = "/api/orgs/<int(max=2147483647):org_id>/teams/<int(max=2147483647):team_id>/quotas"


@route(
    blueprint,
    ORG,
    permission="org.view",
    summary="Ceilings of an organisation",
    answers={200: schemas.Quotas},
    errors=(404,),
)
def list_org_quotas(org_id: int) -> schemas.Quotas:
    """List an organisation's own ceilings, by type."""
    org = orgs.get(current_viewer(), org_id)
    return schemas.Quotas(quotas=[rendering.quota(row) for row in rows.of("org", org.id)])


@route(
    blueprint,
    ORG,
    methods=["POST"],
    permission="org.manage.quotas",
    summary="Set a ceiling of an organisation",
    body=schemas.CeilingBody,
    answers={201: schemas.QuotaSaid},
    errors=(400, 404),
)
def set_org_quota(org_id: int, body: schemas.CeilingBody) -> schemas.QuotaSaid:
    """Set a ceiling for everything the organisation runs; its teams' ceilings stay as they are."""
    return put(subjects.of_org(current_viewer(), org_id), body)


@route(
    blueprint,
    TEAM,
    permission="team.view",
    summary="Ceilings of a team",
    answers={200: schemas.Quotas},
    errors=(404,),
)
def list_team_quotas(org_id: int, team_id: int) -> schemas.Quotas:
    """List a team's own ceilings, by type."""
    team = teams.get(current_viewer(), org_id, team_id)
    return schemas.Quotas(quotas=[rendering.quota(row) for row in rows.of("team", team.id)])


@route(
    blueprint,
    TEAM,
    methods=["POST"],
    permission="team.manage.quotas",
    summary="Set a ceiling of a team",
    body=schemas.CeilingBody,
    answers={201: schemas.QuotaSaid},
    errors=(400, 404),
)
def set_team_quota(org_id: int, team_id: int, body: schemas.CeilingBody) -> schemas.QuotaSaid:
    """Set a ceiling for everything the team runs; 400 when it is above the organisation's."""
    return put(subjects.of_team(current_viewer(), org_id, team_id), body)
