"""Organisations: made, changed, deleted, and listed to those who may know of them.

Whoever is no administrator knows of the own organisation only; any other one does not exist for
them. An organisation that is not active takes no new jobs; its members still see everything. When
one is deleted its teams and memberships go, and its jobs stay with those who submitted them,
outside any organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, true

from ..contracts import Viewer
from ..db import assert_unit_of_work, db, retried, unit_of_work
from ..errors import Conflict, NotFound
from ..models import Job, Membership, Org, Team, User
from . import events, permissions, visibility

CAP = 1000
#: What a change may touch; the slug is part of addresses and stays.
CHANGEABLE = ("name", "description", "is_active", "settings")


@dataclass(frozen=True)
class Row:
    """An organisation with how many teams and members it has."""

    org: Org
    team_count: int
    member_count: int


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the SQL criterion for organisations the viewer may know of."""
    return true() if visibility.is_everywhere(viewer) else Org.id.in_(viewer.org_ids)


def page(
    viewer: Viewer,
    *,
    include_inactive: bool = False,
    after: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Row]:
    """Return organisations by slug, those after the slug `after`. Raises NotAllowed without
    `org.view`."""
    permissions.require(viewer, "org.view")
    query = _counted().where(*_listed(viewer, include_inactive)).order_by(Org.slug)
    if after:
        query = query.where(Org.slug > after)
    return _rows(query.limit(limit).offset(offset))


def count(viewer: Viewer, *, include_inactive: bool = False) -> tuple[int, bool]:
    """Return how many organisations the viewer may know of, up to a cap, and whether that is
    all."""
    some = select(Org.id).where(*_listed(viewer, include_inactive)).limit(CAP + 1).subquery()
    found = db.session.scalar(select(func.count()).select_from(some)) or 0
    return min(found, CAP), found <= CAP


def get(viewer: Viewer, org_id: int) -> Org:
    """Return one organisation. Raises NotFound when there is none or the viewer may not know of
    it."""
    found = db.session.scalar(select(Org).where(Org.id == org_id, visible_to(viewer)))
    if found is None:
        raise not_there(org_id)
    return found


def row(viewer: Viewer, org_id: int) -> Row:
    """Return one organisation with its numbers. Raises NotFound as `get` does."""
    found = _rows(_counted().where(Org.id == org_id, visible_to(viewer)))
    if not found:
        raise not_there(org_id)
    return found[0]


def not_there(org_id: int) -> NotFound:
    """Return the error for an organisation that is not there, or not for this viewer."""
    return NotFound(f"there is no organisation {org_id} that you can see", code="org_not_found")


def _listed(viewer: Viewer, include_inactive: bool) -> list[ColumnElement[bool]]:
    return [visible_to(viewer), true() if include_inactive else Org.is_active.is_(True)]


def _counted() -> Any:
    """Return the statement for organisations with their numbers, without a criterion yet."""
    teams = select(func.count(Team.id)).where(Team.org_id == Org.id).scalar_subquery()
    people = select(func.count(Membership.id)).where(
        Membership.org_id == Org.id, Membership.team_id.is_(None)
    )
    return select(Org, teams, people.scalar_subquery())


def _rows(query: Any) -> list[Row]:
    return [Row(*found) for found in db.session.execute(query)]


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


def create(
    viewer: Viewer,
    name: str,
    slug: str,
    *,
    description: str = "",
    settings: Mapping[str, Any] | None = None,
) -> Org:
    """Command: make an organisation. Raises NotAllowed without `org.create`, Conflict when the
    slug is taken."""
    permissions.require(viewer, "org.create")
    with unit_of_work(gate="submit"):  # slugs are unique: who comes second is told
        if db.session.scalar(select(Org.id).where(Org.slug == slug)) is not None:
            raise Conflict(
                f"an organisation with the slug {slug!r} exists already; choose another one",
                code="duplicate",
            )
        org = Org(name=name, slug=slug, description=description, settings=dict(settings or {}))
        add(org)
    return org


@retried
def change(viewer: Viewer, org_id: int, changes: Mapping[str, Any]) -> Org:
    """Command: change name, description, settings or whether it is active.

    Raises NotFound, NotAllowed without `org.edit`.
    """
    permissions.require(viewer, "org.edit")
    get(viewer, org_id)
    with unit_of_work(gate="submit"):
        org = lock(org_id)
        before, after = put(org, changes)
        if after:
            tell("org.updated", org, f"{org.name} was changed", before=before, after=after)
    return org


@retried
def remove(viewer: Viewer, org_id: int) -> int:
    """Command: delete an organisation with its teams and memberships; return how many jobs stay.

    Raises NotFound, NotAllowed without `org.delete`.
    """
    permissions.require(viewer, "org.delete")
    get(viewer, org_id)
    with unit_of_work(gate="dispatch"):  # its jobs change, as they do in a claim
        org = lock(org_id)
        return drop(org)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def add(org: Org) -> None:
    """Step: write a new organisation, whose slug is free."""
    assert_unit_of_work()
    db.session.add(org)
    db.session.flush()
    after = {"slug": org.slug, **{field: getattr(org, field) for field in CHANGEABLE}}
    tell("org.created", org, f"the organisation {org.name} was made", after=after)


def drop(org: Org) -> int:
    """Step: delete a locked organisation with its teams and memberships; return how many jobs
    stay. It needs the gate `dispatch`."""
    assert_unit_of_work()
    left = db.session.scalar(select(func.count(Job.id)).where(Job.org_id == org.id)) or 0
    gone = select(Team.slug).where(Team.org_id == org.id).order_by(Team.slug)
    before = {
        "name": org.name,
        "slug": org.slug,
        "teams": list(db.session.scalars(gone)),
        "members": member_names(Membership.org_id == org.id, Membership.team_id.is_(None)),
    }
    tell("org.deleted", org, f"{org.name} was deleted", before=before, data={"jobs": left})
    db.session.execute(delete(Membership).where(Membership.org_id == org.id))
    db.session.delete(org)
    return left


def lock(org_id: int) -> Org:
    """Step: return the organisation, locked until the unit of work ends. Raises NotFound."""
    assert_unit_of_work()
    org = db.session.get(Org, org_id, with_for_update=True, populate_existing=True)
    if org is None:
        raise not_there(org_id)
    return org


def put(item: Org | Team, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Step: set what differs on a locked row; return those fields before and after."""
    asked = {name: value for name, value in changes.items() if name in CHANGEABLE}
    before = {name: getattr(item, name) for name in asked if getattr(item, name) != asked[name]}
    for name in before:
        setattr(item, name, asked[name])
    return before, {name: asked[name] for name in before}


def tell(event: str, org: Org, message: str, **facts: Any) -> None:
    """Step: record what happened to an organisation, for those who may know of it."""
    events.emit(event, subject=("org", org.id), org_id=org.id, message=message, **facts)


def member_names(*criteria: ColumnElement[bool]) -> list[str]:
    """Return the usernames behind some memberships, for what is written down when they end."""
    query = select(User.username).join(Membership, Membership.user_id == User.id)
    return list(db.session.scalars(query.where(*criteria).order_by(User.username)))
