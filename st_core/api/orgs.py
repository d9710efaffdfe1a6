"""Organisations and their teams over HTTP (`/api/orgs`, guide section 6). Their members are in a
module of their own."""

from __future__ import annotations

from flask import Blueprint

from ..models import Org, Team
from ..services import orgs, teams
from . import pages
from .guard import current_viewer
from .routing import route
from .schemas import orgs as schemas

blueprint = Blueprint("orgs", __name__)
ROOT = "/api/orgs"
ONE = f"{ROOT}/<int(max=2147483647):org_id>"
TEAMS = f"{ONE}/teams"
TEAM = f"{TEAMS}/<int(max=2147483647):team_id>"


@route(
    blueprint,
    ROOT,
    permission="org.view",
    summary="Organisations",
    query=schemas.GroupQuery,
    answers={200: schemas.Organizations},
)
def list_orgs(query: schemas.GroupQuery) -> schemas.Organizations:
    """List organisations; whoever is no administrator sees the own one."""
    viewer = current_viewer()
    found = orgs.page(
        viewer,
        include_inactive=query.include_inactive,
        after=pages.decode(query.cursor),
        limit=query.limit + 1,
        offset=0 if query.cursor else query.offset,
    )
    more, found = len(found) > query.limit, found[: query.limit]
    total, exact = orgs.count(viewer, include_inactive=query.include_inactive)
    return schemas.Organizations(
        organizations=[_org(row) for row in found],
        next=pages.encode(found[-1].org.slug) if more else None,
        total=total,
        total_is_exact=exact,
    )


@route(
    blueprint,
    ROOT,
    methods=["POST"],
    permission="org.create",
    summary="Make an organisation",
    body=schemas.CreateBody,
    answers={201: schemas.OrganizationAnswer},
    errors=[409],
)
def create(body: schemas.CreateBody) -> schemas.OrganizationAnswer:
    """Make an organisation without teams and members."""
    org = orgs.create(current_viewer(), **body.model_dump())
    return schemas.OrganizationAnswer(organization=_org(orgs.Row(org, 0, 0)))


@route(
    blueprint,
    ONE,
    permission="org.view",
    summary="One organisation",
    answers={200: schemas.OrganizationAnswer},
    errors=[404],
)
def get(org_id: int) -> schemas.OrganizationAnswer:
    """Return an organisation."""
    return _one_org(org_id)


@route(
    blueprint,
    ONE,
    methods=["PATCH"],
    permission="org.edit",
    summary="Change an organisation",
    body=schemas.ChangeBody,
    answers={200: schemas.OrganizationAnswer},
    errors=[404],
)
def change(org_id: int, body: schemas.ChangeBody) -> schemas.OrganizationAnswer:
    """Change an organisation; while it is not active nothing new is submitted for it."""
    orgs.change(current_viewer(), org_id, body.model_dump(exclude_none=True))
    return _one_org(org_id)


@route(
    blueprint,
    ONE,
    methods=["DELETE"],
    permission="org.delete",
    summary="Delete an organisation",
    answers={200: schemas.Said},
    errors=[404],
)
def delete(org_id: int) -> schemas.Said:
    """Delete an organisation with its teams; its jobs stay with those who submitted them."""
    left = orgs.remove(current_viewer(), org_id)
    return schemas.Said(message=f"The organisation is deleted. {_jobs(left)} with their owners.")


@route(
    blueprint,
    TEAMS,
    permission="team.view",
    summary="Teams of an organisation",
    query=schemas.GroupQuery,
    answers={200: schemas.Teams},
    errors=[404],
)
def list_teams(org_id: int, query: schemas.GroupQuery) -> schemas.Teams:
    """List an organisation's teams."""
    found = teams.page(
        current_viewer(),
        org_id,
        include_inactive=query.include_inactive,
        after=pages.decode(query.cursor),
        limit=query.limit + 1,
        offset=0 if query.cursor else query.offset,
    )
    more, found = len(found) > query.limit, found[: query.limit]
    total, exact = teams.count(org_id, include_inactive=query.include_inactive)
    return schemas.Teams(
        teams=[_team(row) for row in found],
        next=pages.encode(found[-1].team.slug) if more else None,
        total=total,
        total_is_exact=exact,
    )


@route(
    blueprint,
    TEAMS,
    methods=["POST"],
    permission="team.create",
    summary="Make a team",
    body=schemas.CreateBody,
    answers={201: schemas.TeamAnswer},
    errors=[404, 409],
)
def create_team(org_id: int, body: schemas.CreateBody) -> schemas.TeamAnswer:
    """Make a team; whoever is no administrator becomes its admin."""
    team = teams.create(current_viewer(), org_id, **body.model_dump())
    return _one_team(org_id, team.id)


@route(
    blueprint,
    TEAM,
    permission="team.view",
    summary="One team",
    answers={200: schemas.TeamAnswer},
    errors=[404],
)
def get_team(org_id: int, team_id: int) -> schemas.TeamAnswer:
    """Return a team."""
    return _one_team(org_id, team_id)


@route(
    blueprint,
    TEAM,
    methods=["PATCH"],
    permission="team.edit",
    summary="Change a team",
    body=schemas.ChangeBody,
    answers={200: schemas.TeamAnswer},
    errors=[404],
)
def change_team(org_id: int, team_id: int, body: schemas.ChangeBody) -> schemas.TeamAnswer:
    """Change a team; while it is not active nothing new is submitted for it."""
    teams.change(current_viewer(), org_id, team_id, body.model_dump(exclude_none=True))
    return _one_team(org_id, team_id)


@route(
    blueprint,
    TEAM,
    methods=["DELETE"],
    permission="team.delete",
    summary="Delete a team",
    answers={200: schemas.Said},
    errors=[404],
)
def delete_team(org_id: int, team_id: int) -> schemas.Said:
    """Delete a team; its jobs stay in the organisation."""
    left = teams.remove(current_viewer(), org_id, team_id)
    return schemas.Said(message=f"The team is deleted. {_jobs(left)} in the organisation.")


def _one_org(org_id: int) -> schemas.OrganizationAnswer:
    return schemas.OrganizationAnswer(organization=_org(orgs.row(current_viewer(), org_id)))


def _one_team(org_id: int, team_id: int) -> schemas.TeamAnswer:
    return schemas.TeamAnswer(team=_team(teams.row(current_viewer(), org_id, team_id)))


def _jobs(left: int) -> str:
    return "1 job stays" if left == 1 else f"{left} jobs stay"


def _org(row: orgs.Row) -> schemas.Organization:
    return schemas.Organization(
        **_group(row.org), team_count=row.team_count, member_count=row.member_count
    )


def _team(row: teams.Row) -> schemas.Team:
    return schemas.Team(**_group(row.team), org_id=row.team.org_id, member_count=row.member_count)


def _group(row: Org | Team) -> dict[str, object]:
    names = ("id", "name", "slug", "description", "is_active", "settings", "created_at")
    return {name: getattr(row, name) for name in names}
