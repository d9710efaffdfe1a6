"""Members: who is in an organisation and in which of its teams, with which role.

Nobody is in two organisations. Whoever joins a team joins its organisation, and whoever leaves the
organisation leaves its teams; jobs stay where they were submitted for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select

from ..contracts import Viewer
from ..db import assert_unit_of_work, db, retried, unit_of_work
from ..errors import Conflict, NotFound
from ..models import Membership, Org, Team, User
from . import orgs, permissions, team_roles, teams, visibility

CAP = 1000


@dataclass(frozen=True)
class TeamRole:
    """A team somebody is in, and their role there."""

    team: Team
    role: str


@dataclass(frozen=True)
class Member:
    """Somebody in an organisation or a team; `teams` is filled for an organisation."""

    user: User
    membership: Membership
    teams: Sequence[TeamRole] = ()


def of_org(
    viewer: Viewer, org_id: int, *, after: str | None = None, limit: int = 50, offset: int = 0
) -> list[Member]:
    """Return an organisation's members by username, each with their teams.

    Raises NotFound, NotAllowed without `org.view`.
    """
    permissions.require(viewer, "org.view")
    orgs.get(viewer, org_id)
    found = _page(_in_org(org_id), after, limit, offset)
    query = (
        select(Membership.user_id, Membership.role, Team)
        .join(Team, Team.id == Membership.team_id)
        .where(Membership.org_id == org_id, Membership.user_id.in_([m.user.id for m in found]))
        .order_by(Team.slug)
    )
    roles: dict[int, list[TeamRole]] = {}
    for user_id, role, team in db.session.execute(query):
        roles.setdefault(user_id, []).append(TeamRole(team, role))
    return [Member(m.user, m.membership, roles.get(m.user.id, ())) for m in found]


def of_team(
    viewer: Viewer,
    org_id: int,
    team_id: int,
    *,
    after: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Member]:
    """Return a team's members by username. Raises NotFound, NotAllowed without `team.view`."""
    permissions.require(viewer, "team.view")
    teams.get(viewer, org_id, team_id)
    return _page([Membership.team_id == team_id], after, limit, offset)


def count(org_id: int, team_id: int | None = None) -> tuple[int, bool]:
    """Return how many members there are, up to a cap, and whether that is all."""
    where = _in_org(org_id) if team_id is None else [Membership.team_id == team_id]
    some = select(Membership.id).where(*where).limit(CAP + 1).subquery()
    found = db.session.scalar(select(func.count()).select_from(some)) or 0
    return min(found, CAP), found <= CAP


def _in_org(org_id: int) -> list[Any]:
    return [Membership.org_id == org_id, Membership.team_id.is_(None)]


def _page(where: Sequence[Any], after: str | None, limit: int, offset: int) -> list[Member]:
    query = (
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(*where)
        .order_by(User.username)
    )
    if after:
        query = query.where(User.username > after)
    return [Member(*found) for found in db.session.execute(query.limit(limit).offset(offset))]


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


@retried
def join_org(viewer: Viewer, org_id: int, user_id: int) -> Member:
    """Command: add somebody to an organisation.

    Raises NotFound, NotAllowed without `org.manage.members`, Conflict when they are in it or in
    another one.
    """
    permissions.require(viewer, "org.manage.members")
    orgs.get(viewer, org_id)
    with unit_of_work(gate="submit"):
        org, user = orgs.lock(org_id), _person(user_id)
        if not _join(viewer, org, user):
            raise Conflict(f"{user.username} is in {org.name} already", code="duplicate")
        after = {"user": user.username, "organization": org.slug, "role": team_roles.MEMBER}
        orgs.tell("member.added", org, f"{user.username} joined {org.name}", after=after)
        mine = _in_org_of(user.id)
    assert mine is not None
    return Member(user, mine)


@retried
def leave_org(viewer: Viewer, org_id: int, user_id: int) -> User:
    """Command: take somebody out of an organisation and all its teams.

    Raises NotFound, NotAllowed without `org.manage.members`.
    """
    permissions.require(viewer, "org.manage.members")
    orgs.get(viewer, org_id)
    with unit_of_work(gate="submit"):
        org = orgs.lock(org_id)
        mine = _in_org_of(user_id)
        if mine is None or mine.org_id != org_id:
            raise _no_member(user_id, f"the organisation {org.name}")
        user = db.session.get_one(User, user_id)
        left = select(Team.slug, Membership.role).join(Membership, Membership.team_id == Team.id)
        roles = db.session.execute(left.where(Membership.user_id == user_id).order_by(Team.slug))
        before = {
            "user": user.username,
            "organization": org.slug,
            "teams": {slug: role for slug, role in roles},
        }
        db.session.execute(
            delete(Membership).where(Membership.user_id == user_id, Membership.org_id == org_id)
        )
        orgs.tell("member.removed", org, f"{user.username} left {org.name}", before=before)
    return user


@retried
def join_team(viewer: Viewer, org_id: int, team_id: int, user_id: int, role: str) -> Member:
    """Command: add somebody to a team, and with it to its organisation.

    Raises NotFound, NotAllowed without `team.manage.members` and the role for it, Conflict when
    they are in the team or in another organisation.
    """
    permissions.require(viewer, "team.manage.members")
    teams.get(viewer, org_id, team_id)
    with unit_of_work(gate="submit"):
        org, team = teams.lock(org_id, team_id)
        team_roles.require_place(viewer, team, f"add a {role}", role)
        user = _person(user_id)
        if team_roles.role_of(user.id, team.id) is not None:
            raise Conflict(
                f"{user.username} is in the team {team.name} already; change the role instead",
                code="duplicate",
            )
        joined = _join(viewer, org, user)
        mine = Membership(user_id=user.id, org_id=org.id, team_id=team.id, role=role)
        db.session.add(mine)
        db.session.flush()
        after = {"user": user.username, "team": team.slug, "role": role, "joined_org": joined}
        message = f"{user.username} joined the team {team.name} as {role}"
        teams.tell("member.added", org, team, message, after=after)
    return Member(user, mine)


@retried
def change_role(viewer: Viewer, org_id: int, team_id: int, user_id: int, role: str) -> Member:
    """Command: give somebody another role in a team.

    Raises NotFound, NotAllowed without `team.manage.members` and the role for it.
    """
    permissions.require(viewer, "team.manage.members")
    teams.get(viewer, org_id, team_id)
    with unit_of_work(gate="submit"):
        org, team = teams.lock(org_id, team_id)
        team_roles.require_admin(viewer, team, "change a role")
        user, mine = _in_team(team, user_id)
        old, mine.role = mine.role, role
        if old != role:
            named = {"user": user.username, "team": team.slug}
            teams.tell(
                "member.changed",
                org,
                team,
                f"{user.username} is {role} of the team {team.name} now",
                before=named | {"role": old},
                after=named | {"role": role},
            )
    return Member(user, mine)


@retried
def leave_team(viewer: Viewer, org_id: int, team_id: int, user_id: int) -> User:
    """Command: take somebody out of a team; they stay in the organisation.

    Raises NotFound, NotAllowed without `team.manage.members` and the role for it.
    """
    permissions.require(viewer, "team.manage.members")
    teams.get(viewer, org_id, team_id)
    with unit_of_work(gate="submit"):
        org, team = teams.lock(org_id, team_id)
        team_roles.require_place(viewer, team, "remove somebody", team_roles.MEMBER)
        user, mine = _in_team(team, user_id)
        team_roles.require_place(viewer, team, f"remove a {mine.role}", mine.role)
        before = {"user": user.username, "team": team.slug, "role": mine.role}
        db.session.delete(mine)
        message = f"{user.username} left the team {team.name}"
        teams.tell("member.removed", org, team, message, before=before)
    return user


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _person(user_id: int) -> User:
    """Step: return a user, who stays until the unit of work ends. Raises NotFound."""
    user = db.session.get(User, user_id, with_for_update={"read": True, "key_share": True})
    if user is None:
        raise NotFound(f"there is no user {user_id}", code="user_not_found")
    return user


def _in_org_of(user_id: int) -> Membership | None:
    """Return somebody's membership of their organisation."""
    query = select(Membership).where(Membership.user_id == user_id, Membership.team_id.is_(None))
    return db.session.scalar(query)


def _join(viewer: Viewer, org: Org, user: User) -> bool:
    """Step: see to it that the user is in the organisation; tell whether they joined just now.

    Raises Conflict when they are in another one.
    """
    assert_unit_of_work()
    mine = _in_org_of(user.id)
    if mine is not None and mine.org_id != org.id:
        other = "another organisation"
        if visibility.is_everywhere(viewer):
            other = f"the organisation {db.session.get_one(Org, mine.org_id).name}"
        raise Conflict(
            f"{user.username} is in {other}, and nobody is in two; take them out of it first",
            code="in_another_organization",
        )
    if mine is None:
        db.session.add(Membership(user_id=user.id, org_id=org.id))
        db.session.flush()
    return mine is None


def _in_team(team: Team, user_id: int) -> tuple[User, Membership]:
    """Step: return a member of a locked team. Raises NotFound."""
    query = (
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team.id, User.id == user_id)
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise _no_member(user_id, f"the team {team.name}")
    return found[0], found[1]


def _no_member(user_id: int, where: str) -> NotFound:
    return NotFound(f"user {user_id} is not in {where}", code="member_not_found")
