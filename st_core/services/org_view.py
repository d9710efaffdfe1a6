"""Organisations with their teams and members, as pages show them. Read only.

Whoever may not manage organisations sees those they belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true

from ..contracts import Viewer
from ..db import db
from ..errors import NotFound
from ..models import Membership, Org, Team, User

#: Any of these lets one see every organisation.
SEES_ALL = ("org.create", "org.edit", "org.delete", "org.manage.members", "admin.users")
MOST_CHOICES = 500


@dataclass(frozen=True)
class OrgLine:
    """An organisation with how many teams and people it has."""

    org: Org
    team_count: int
    member_count: int


@dataclass(frozen=True)
class Member:
    """A person in an organisation or a team, with their role there."""

    user_id: int
    name: str
    username: str
    role: str


@dataclass(frozen=True)
class TeamView:
    """A team and who is in it."""

    team: Team
    members: Sequence[Member]


@dataclass(frozen=True)
class OrgView:
    """An organisation, its teams, and who is in it at all."""

    org: Org
    teams: Sequence[TeamView]
    members: Sequence[Member]


def sees_all(viewer: Viewer) -> bool:
    """Tell whether the viewer sees organisations they are not in."""
    return any(viewer.may(name) for name in SEES_ALL)


def lines(viewer: Viewer) -> list[OrgLine]:
    """Return the organisations the viewer may see, by name."""
    teams = select(func.count(Team.id)).where(Team.org_id == Org.id).correlate(Org)
    people = (
        select(func.count(Membership.user_id.distinct()))
        .where(Membership.org_id == Org.id)
        .correlate(Org)
    )
    rows = db.session.execute(
        select(Org, teams.scalar_subquery(), people.scalar_subquery())
        .where(_visible(viewer))
        .order_by(func.lower(Org.name))
    )
    return [OrgLine(*row) for row in rows]


def look(viewer: Viewer, org_id: int) -> OrgView:
    """Return one organisation. Raises NotFound when there is none the viewer may see."""
    org = db.session.scalar(select(Org).where(Org.id == org_id, _visible(viewer)))
    if org is None:
        raise NotFound(f"there is no organisation {org_id}", code="org_not_found")
    teams = db.session.scalars(
        select(Team).where(Team.org_id == org_id).order_by(func.lower(Team.name))
    ).all()
    by_team = _members(org_id)
    everybody = {one.user_id: one for group in by_team.values() for one in group}
    everybody |= {one.user_id: one for one in by_team.get(None, ())}
    return OrgView(
        org,
        [TeamView(team, by_team.get(team.id, [])) for team in teams],
        sorted(everybody.values(), key=lambda one: one.name.lower()),
    )


def choices() -> list[tuple[int, str]]:
    """Return active people by name, the first 500, to choose a member from."""
    name = func.coalesce(User.display_name, User.username)
    rows = db.session.execute(
        select(User.id, name)
        .where(User.is_active, ~User.is_local_owner)
        .order_by(func.lower(name))
        .limit(MOST_CHOICES)
    )
    return [(user_id, shown) for user_id, shown in rows]


def _members(org_id: int) -> dict[int | None, list[Member]]:
    """Return the members by team; None holds those of the organisation itself."""
    name = func.coalesce(User.display_name, User.username)
    rows = db.session.execute(
        select(Membership.team_id, User.id, name, User.username, Membership.role)
        .join(User, User.id == Membership.user_id)
        .where(Membership.org_id == org_id)
        .order_by(func.lower(name))
    )
    found: dict[int | None, list[Member]] = {}
    for team_id, user_id, shown, username, role in rows:
        found.setdefault(team_id, []).append(Member(user_id, shown, username, role))
    return found


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    return true() if sees_all(viewer) else Org.id.in_(viewer.org_ids)
