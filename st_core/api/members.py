"""Members of organisations and teams over HTTP (`/api/orgs/…/members`, guide section 6)."""

from __future__ import annotations

from typing import TypedDict

from flask import Blueprint

from ..errors import Malformed
from ..services import members
from . import pages
from .guard import current_viewer
from .orgs import ONE, TEAM
from .routing import route
from .schemas import orgs as schemas
from .schemas.kinds import Page

blueprint = Blueprint("members", __name__)
USER = "<int(max=2147483647):user_id>"


@route(
    blueprint,
    f"{ONE}/members",
    permission="org.view",
    summary="Members of an organisation",
    query=Page,
    answers={200: schemas.Members},
    errors=[404],
    tags=["orgs"],
)
def list_members(org_id: int, query: Page) -> schemas.Members:
    """List an organisation's members, each with their teams."""
    found = members.of_org(current_viewer(), org_id, **_part(query))
    return _listed(found, query, members.count(org_id))


@route(
    blueprint,
    f"{ONE}/members/{USER}",
    methods=["POST"],
    permission="org.manage.members",
    summary="Add somebody to an organisation",
    answers={201: schemas.MemberSaid},
    errors=[404, 409],
    tags=["orgs"],
)
def join(org_id: int, user_id: int) -> schemas.MemberSaid:
    """Add somebody; nobody is in two organisations."""
    return _said(members.join_org(current_viewer(), org_id, user_id), "joined the organisation")


@route(
    blueprint,
    f"{ONE}/members/{USER}",
    methods=["DELETE"],
    permission="org.manage.members",
    summary="Take somebody out of an organisation",
    answers={200: schemas.Said},
    errors=[404],
    tags=["orgs"],
)
def leave(org_id: int, user_id: int) -> schemas.Said:
    """Take somebody out, of all its teams as well; their jobs stay where they are."""
    user = members.leave_org(current_viewer(), org_id, user_id)
    return schemas.Said(message=f"{user.username} left the organisation and its teams.")


@route(
    blueprint,
    f"{TEAM}/members",
    permission="team.view",
    summary="Members of a team",
    query=Page,
    answers={200: schemas.Members},
    errors=[404],
    tags=["orgs"],
)
def list_team_members(org_id: int, team_id: int, query: Page) -> schemas.Members:
    """List a team's members with their roles."""
    found = members.of_team(current_viewer(), org_id, team_id, **_part(query))
    return _listed(found, query, members.count(org_id, team_id))


@route(
    blueprint,
    f"{TEAM}/members",
    methods=["POST"],
    permission="team.manage.members",
    summary="Add somebody to a team",
    body=schemas.JoinTeamBody,
    answers={201: schemas.MemberSaid},
    errors=[404, 409],
    tags=["orgs"],
)
def join_team(org_id: int, team_id: int, body: schemas.JoinTeamBody) -> schemas.MemberSaid:
    """Add somebody, who joins the organisation with it; a lead of the team adds plain members."""
    viewer = current_viewer()
    member = members.join_team(viewer, org_id, team_id, body.user_id, body.role)
    return _said(member, f"joined the team as {body.role}")


@route(
    blueprint,
    f"{TEAM}/members/{USER}",
    methods=["PATCH", "PUT"],
    permission="team.manage.members",
    summary="Change somebody's role in a team",
    body=schemas.RoleBody,
    answers={200: schemas.MemberSaid},
    errors=[404],
    tags=["orgs"],
)
def change_role(
    org_id: int, team_id: int, user_id: int, body: schemas.RoleBody
) -> schemas.MemberSaid:
    """Give a member of the team another role; that takes an admin of it."""
    if body.user_id not in (None, user_id):
        raise Malformed(
            f"The body does not fit: user_id is {body.user_id}, the address names {user_id}.",
            fields=[{"path": "user_id", "message": f"not {user_id}"}],
        )
    member = members.change_role(current_viewer(), org_id, team_id, user_id, body.role)
    return _said(member, f"is {body.role} of the team now")


@route(
    blueprint,
    f"{TEAM}/members/{USER}",
    methods=["DELETE"],
    permission="team.manage.members",
    summary="Take somebody out of a team",
    answers={200: schemas.Said},
    errors=[404],
    tags=["orgs"],
)
def leave_team(org_id: int, team_id: int, user_id: int) -> schemas.Said:
    """Take somebody out of the team; they stay in the organisation."""
    user = members.leave_team(current_viewer(), org_id, team_id, user_id)
    return schemas.Said(message=f"{user.username} left the team.")


class _Part(TypedDict):
    """Which part of a list is read: one row more than shown, to know whether there is another."""

    after: str | None
    limit: int
    offset: int


def _part(query: Page) -> _Part:
    after = pages.decode(query.cursor)
    return _Part(after=after, limit=query.limit + 1, offset=0 if after else query.offset)


def _listed(found: list[members.Member], query: Page, counted: tuple[int, bool]) -> schemas.Members:
    more, found = len(found) > query.limit, found[: query.limit]
    return schemas.Members(
        members=[_member(one) for one in found],
        next=pages.encode(found[-1].user.username) if more else None,
        total=counted[0],
        total_is_exact=counted[1],
    )


def _said(member: members.Member, what: str) -> schemas.MemberSaid:
    return schemas.MemberSaid(message=f"{member.user.username} {what}.", member=_member(member))


def _member(one: members.Member) -> schemas.Member:
    return schemas.Member(
        user_id=one.user.id,
        username=one.user.username,
        display_name=one.user.display_name,
        email=one.user.email,
        is_active=one.user.is_active,
        role=one.membership.role,
        joined_at=one.membership.joined_at,
        teams=[
            schemas.TeamRole(
                id=held.team.id, name=held.team.name, slug=held.team.slug, role=held.role
            )
            for held in one.teams
        ],
    )
