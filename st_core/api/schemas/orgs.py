"""Organisations, teams and members: what is asked and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from .kinds import Answer, Body, JsonObject, Listing, Page, Success, Whole

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[a-z0-9-]+$")]
Description = Annotated[str, StringConstraints(max_length=500)]
UserId = Annotated[Whole, Field(ge=1, le=2**31 - 1)]
Role = Literal["member", "lead", "admin"]


class GroupQuery(Page):
    """Which part of a list of organisations or teams."""

    include_inactive: bool = False


class CreateBody(Body):
    """A new organisation or team. The slug stands in addresses and stays."""

    name: Name
    slug: Slug
    description: Description = ""
    settings: JsonObject = Field(default_factory=dict)


class ChangeBody(Body):
    """What to change; what is left out or null stays."""

    name: Name | None = None
    description: Description | None = None
    is_active: StrictBool | None = None
    settings: JsonObject | None = None


class JoinTeamBody(Body):
    """Who joins a team, as what."""

    user_id: UserId
    role: Role = "member"


class RoleBody(Body):
    """Somebody's new role; `user_id` may be said again, as old clients do."""

    role: Role
    user_id: UserId | None = None


class Group(Answer):
    """What organisations and teams have in common."""

    id: int
    name: str
    slug: str
    description: str
    is_active: bool
    settings: JsonObject
    created_at: datetime
    member_count: int


class Organization(Group):
    """An organisation."""

    team_count: int


class Team(Group):
    """A team."""

    org_id: int


class TeamRole(Answer):
    """A team somebody is in, and their role there."""

    id: int
    name: str
    slug: str
    role: str


class Member(Answer):
    """Somebody in an organisation or a team."""

    user_id: int
    username: str
    display_name: str | None
    email: str
    is_active: bool
    role: str
    joined_at: datetime
    teams: list[TeamRole] = Field([], description="Their teams, told of an organisation's members.")


class Organizations(Listing):
    """A page of organisations, by slug."""

    organizations: list[Organization]


class OrganizationAnswer(Answer):
    """One organisation."""

    organization: Organization


class Teams(Listing):
    """A page of an organisation's teams, by slug."""

    teams: list[Team]


class TeamAnswer(Answer):
    """One team."""

    team: Team


class Members(Listing):
    """A page of members, by username."""

    members: list[Member]


class Said(Success):
    """It is done, in a sentence."""

    message: str


class MemberSaid(Said):
    """It is done, and how the member stands now."""

    member: Member
