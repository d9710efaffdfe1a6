"""Subjects: for whom a ceiling is, found by number or by natural name, and who may set one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import NotAllowed, NotFound, SetTimeRule
from st_core.models import Level, Membership, Org, Team, User
from st_core.services import orgs, permissions, team_roles, teams, users, visibility

WRITE = "quota.manage"


@dataclass(frozen=True)
class Subject:
    """For whom a ceiling is: `id` None for everybody, `org_id` that of a team or organisation."""

    scope: str
    id: int | None
    name: str
    org_id: int | None = None


EVERYBODY = Subject("global", None, "")


def of_org(viewer: Viewer, org_id: int) -> Subject:
    """Return an organisation whose ceilings the viewer may set. Raises NotFound, NotAllowed."""
    org = orgs.get(viewer, org_id)
    permissions.require(viewer, "org.manage.quotas")
    return Subject("org", org.id, org.slug, org.id)


def of_team(viewer: Viewer, org_id: int, team_id: int) -> Subject:
    """Return a team whose ceilings the viewer may set. Raises NotFound, NotAllowed without the
    role of an admin there."""
    team = teams.get(viewer, org_id, team_id)
    permissions.require(viewer, "team.manage.quotas")
    team_roles.require_admin(viewer, team, "set its ceilings")
    return _team(team)


def asked_for(viewer: Viewer, numbers: dict[str, int | None]) -> Subject:
    """Return whom a request means: at most one of `user`, `level`, `team` and `org` is a number.

    Raises SetTimeRule for several, NotFound, NotAllowed for what reaches beyond the own
    organisation.
    """
    permissions.require(viewer, WRITE)
    given = {scope: number for scope, number in numbers.items() if number is not None}
    if len(given) > 1:
        raise SetTimeRule(
            f"A quota is for one of user, level, team and organisation; {len(given)} are named. "
            "Set one for each.",
            code="several_scopes",
            fields=[{"path": f"{scope}_id", "message": "only one"} for scope in given],
        )
    scope, number = next(iter(given.items()), ("global", None))
    found = _numbered(scope, number)
    if not may_set(viewer, found):
        if scope in ("team", "org"):
            raise _missing(scope, number)
        raise NotAllowed(
            "This ceiling reaches beyond your organisation; only an administrator sets it.",
            code="beyond_organisation",
        )
    return found


def may_set(viewer: Viewer, subject: Subject) -> bool:
    """Tell whether the viewer's right to set ceilings reaches so far."""
    if visibility.is_everywhere(viewer):
        return True
    if subject.scope == "user":
        return visibility.same_org(viewer, org_ids_of(subject.id or 0))
    return subject.org_id is not None and subject.org_id in viewer.org_ids


def org_ids_of(user_id: int) -> tuple[int, ...]:
    """Return the organisations somebody is in: one, or none."""
    query = select(Membership.org_id).where(
        Membership.user_id == user_id, Membership.team_id.is_(None)
    )
    return tuple(db.session.scalars(query))


def named(scope: str, name: str) -> Subject:
    """Return whom a natural name means. Raises SetTimeRule when there is nobody of that name."""
    if scope == "global":
        return EVERYBODY
    row: Any
    if scope == "user":
        row = db.session.scalar(select(User).where(User.username == name))
    elif scope == "level":
        row = db.session.scalar(select(Level).where(Level.name == name))
    elif scope == "org":
        row = db.session.scalar(select(Org).where(Org.slug == name))
    else:
        org, _, team = name.partition("/")
        query = select(Team).join(Org).where(Org.slug == org, Team.slug == team)
        row = db.session.scalar(query)
    if row is None:
        raise SetTimeRule(
            f"A quota names the {scope} {name!r}, which does not exist. Make it first, or correct "
            "the name.",
            code=f"unknown_{scope}",
        )
    return _subject(scope, row)


def _numbered(scope: str, number: int | None) -> Subject:
    if scope == "global" or number is None:
        return EVERYBODY
    if scope == "user":
        return _subject(scope, users.get(number))
    row = db.session.get({"level": Level, "team": Team, "org": Org}[scope], number)
    if row is None:
        raise _missing(scope, number)
    return _subject(scope, row)


def _subject(scope: str, row: Any) -> Subject:
    if scope == "team":
        return _team(row)
    if scope == "org":
        return Subject(scope, row.id, row.slug, row.id)
    return Subject(scope, row.id, row.username if scope == "user" else row.name)


def _team(team: Team) -> Subject:
    slug = db.session.scalar(select(Org.slug).where(Org.id == team.org_id))
    return Subject("team", team.id, f"{slug}/{team.slug}", team.org_id)


def _missing(scope: str, number: int | None) -> NotFound:
    return NotFound(f"there is no {scope} {number}", code=f"{scope}_not_found")
