"""Teams of an organisation: made, changed, deleted, listed.

A team that is not active takes no new jobs. When one is deleted its jobs stay, in the organisation
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, true

from ..contracts import Viewer
from ..db import assert_unit_of_work, db, retried, unit_of_work
from ..errors import Conflict, NotFound
from ..models import Job, Membership, Org, Team
from . import events, orgs, permissions, team_roles, visibility

CAP = 1000


@dataclass(frozen=True)
class Row:
    """A team with how many members it has."""

    team: Team
    member_count: int


def page(
    viewer: Viewer,
    org_id: int,
    *,
    include_inactive: bool = False,
    after: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Row]:
    """Return an organisation's teams by slug. Raises NotFound, NotAllowed without `team.view`."""
    permissions.require(viewer, "team.view")
    orgs.get(viewer, org_id)
    query = _counted().where(*_listed(org_id, include_inactive)).order_by(Team.slug)
    if after:
        query = query.where(Team.slug > after)
    return [Row(*found) for found in db.session.execute(query.limit(limit).offset(offset))]


def count(org_id: int, *, include_inactive: bool = False) -> tuple[int, bool]:
    """Return how many teams an organisation has, up to a cap, and whether that is all."""
    some = select(Team.id).where(*_listed(org_id, include_inactive)).limit(CAP + 1).subquery()
    found = db.session.scalar(select(func.count()).select_from(some)) or 0
    return min(found, CAP), found <= CAP


def get(viewer: Viewer, org_id: int, team_id: int) -> Team:
    """Return a team of an organisation. Raises NotFound when there is none, also when the viewer
    may not know of the organisation."""
    orgs.get(viewer, org_id)
    found = db.session.scalar(select(Team).where(Team.id == team_id, Team.org_id == org_id))
    if found is None:
        raise _not_there(org_id, team_id)
    return found


def row(viewer: Viewer, org_id: int, team_id: int) -> Row:
    """Return a team with its numbers. Raises NotFound as `get` does."""
    team = get(viewer, org_id, team_id)
    return Row(*db.session.execute(_counted().where(Team.id == team.id)).one())


def _not_there(org_id: int, team_id: int) -> NotFound:
    return NotFound(
        f"there is no team {team_id} in the organisation {org_id}", code="team_not_found"
    )


def _listed(org_id: int, include_inactive: bool) -> list[ColumnElement[bool]]:
    return [Team.org_id == org_id, true() if include_inactive else Team.is_active.is_(True)]


def _counted() -> Any:
    people = select(func.count(Membership.id)).where(Membership.team_id == Team.id)
    return select(Team, people.scalar_subquery())


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


@retried
def create(
    viewer: Viewer,
    org_id: int,
    name: str,
    slug: str,
    *,
    description: str = "",
    settings: Mapping[str, Any] | None = None,
) -> Team:
    """Command: make a team. Whoever is no administrator becomes the new team's admin.

    Raises NotFound, NotAllowed without `team.create`, Conflict when the slug is taken.
    """
    permissions.require(viewer, "team.create")
    orgs.get(viewer, org_id)
    with unit_of_work(gate="submit"):
        org = orgs.lock(org_id)
        if db.session.scalar(select(Team.id).where(Team.org_id == org_id, Team.slug == slug)):
            raise Conflict(
                f"the organisation {org.name} has a team with the slug {slug!r} already; "
                "choose another one",
                code="duplicate",
            )
        team = Team(
            org_id=org_id,
            name=name,
            slug=slug,
            description=description,
            settings=dict(settings or {}),
        )
        db.session.add(team)
        db.session.flush()
        founder = None if visibility.is_everywhere(viewer) else viewer
        if founder is not None:
            db.session.add(
                Membership(
                    user_id=founder.user_id, org_id=org_id, team_id=team.id, role=team_roles.ADMIN
                )
            )
        after = {"slug": slug, **{field: getattr(team, field) for field in orgs.CHANGEABLE}}
        after["admin"] = founder.username if founder else None
        message = f"{viewer.username} made the team {name} in {org.name}"
        tell("team.created", org, team, message, after=after)
    return team


@retried
def change(viewer: Viewer, org_id: int, team_id: int, changes: Mapping[str, Any]) -> Team:
    """Command: change name, description, settings or whether it is active.

    Raises NotFound, NotAllowed without `team.edit` and the role for it.
    """
    permissions.require(viewer, "team.edit")
    get(viewer, org_id, team_id)
    with unit_of_work(gate="submit"):
        org, team = lock(org_id, team_id)
        team_roles.require_admin(viewer, team, "change something")
        before, after = orgs.put(team, changes)
        if after:
            message = f"the team {team.name} was changed"
            tell("team.updated", org, team, message, before=before, after=after)
    return team


@retried
def remove(viewer: Viewer, org_id: int, team_id: int) -> int:
    """Command: delete a team and its memberships; return how many jobs stay.

    Raises NotFound, NotAllowed without `team.delete` and the role for it.
    """
    permissions.require(viewer, "team.delete")
    get(viewer, org_id, team_id)
    with unit_of_work(gate="dispatch"):  # its jobs change, as they do in a claim
        org, team = lock(org_id, team_id)
        team_roles.require_admin(viewer, team, "delete it")
        return drop(org, team)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def drop(org: Org, team: Team) -> int:
    """Step: delete a locked team and its memberships; return how many jobs stay. It needs the gate
    `dispatch`."""
    assert_unit_of_work()
    left = db.session.scalar(select(func.count(Job.id)).where(Job.team_id == team.id)) or 0
    people = orgs.member_names(Membership.team_id == team.id)
    before = {"name": team.name, "slug": team.slug, "members": people}
    message = f"the team {team.name} was deleted"
    tell("team.deleted", org, team, message, before=before, data={"jobs": left})
    db.session.execute(delete(Membership).where(Membership.team_id == team.id))
    db.session.delete(team)
    return left


def lock(org_id: int, team_id: int) -> tuple[Org, Team]:
    """Step: return organisation and team, both locked until the unit of work ends. Raises
    NotFound."""
    assert_unit_of_work()
    org = orgs.lock(org_id)
    team = db.session.get(Team, team_id, with_for_update=True, populate_existing=True)
    if team is None or team.org_id != org_id:
        raise _not_there(org_id, team_id)
    return org, team


def tell(event: str, org: Org, team: Team, message: str, **facts: Any) -> None:
    """Step: record what happened to a team, for those who may know of its organisation."""
    events.emit(
        event, subject=("team", team.id), team_id=team.id, org_id=org.id, message=message, **facts
    )
