"""The ceilings that are set, each with the natural name of whom it is for, and who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import aliased

from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import NotFound
from st_core.models import Level, Membership, Org, Team, User
from st_core.services import visibility

from .models import QuotasCeiling

TeamOrg = aliased(Org)


@dataclass(frozen=True)
class Row:
    """A ceiling with the natural name of its subject; `title` is what people call it, `org_id` the
    organisation of a team's or an organisation's ceiling."""

    ceiling: QuotasCeiling
    name: str
    title: str
    org_id: int | None
    #: By how much a team's ceiling is above its organisation's, 0 when it is not.
    over_by: Decimal = Decimal(0)


def everything() -> list[Row]:
    """Return every ceiling, the oldest first."""
    return _rows(true())


def visible(viewer: Viewer) -> list[Row]:
    """Return the ceilings the viewer may see: those of the own organisation, of its teams and
    people, of levels and of everybody; an administrator sees all."""
    if visibility.is_everywhere(viewer):
        return everything()
    mates = select(Membership.user_id).where(Membership.org_id.in_(viewer.org_ids))
    return _rows(
        or_(
            QuotasCeiling.scope.in_(("global", "level")),
            QuotasCeiling.user_id == viewer.user_id,
            QuotasCeiling.user_id.in_(mates),
            QuotasCeiling.org_id.in_(viewer.org_ids),
            Team.org_id.in_(viewer.org_ids),
        )
    )


def one(viewer: Viewer, ceiling_id: int) -> Row:
    """Return one ceiling. Raises NotFound when there is none the viewer may know of."""
    for row in visible(viewer):
        if row.ceiling.id == ceiling_id:
            return row
    raise NotFound(f"there is no quota {ceiling_id} that you can see", code="quota_not_found")


def of(scope: str, subject_id: int) -> list[Row]:
    """Return the ceilings of one team or organisation, by type."""
    column = {"team": QuotasCeiling.team_id, "org": QuotasCeiling.org_id}[scope]
    return sorted(_rows(column == subject_id), key=lambda row: row.ceiling.quota_type)


def org_ceilings(org_ids: Sequence[int]) -> dict[tuple[int, str], QuotasCeiling]:
    """Return the ceilings in force of these organisations, by organisation and type."""
    query = select(QuotasCeiling).where(
        QuotasCeiling.org_id.in_(org_ids), QuotasCeiling.mode == "enforce"
    )
    return {(row.org_id or 0, row.quota_type): row for row in db.session.scalars(query)}


def _rows(which: ColumnElement[bool]) -> list[Row]:
    found = [
        Row(ceiling, *_named(ceiling, *rest))
        for ceiling, *rest in db.session.execute(_query(which))
    ]
    above = org_ceilings([row.org_id for row in found if row.org_id and row.ceiling.team_id])
    return [_marked(row, above) for row in found]


def _query(which: ColumnElement[bool]) -> Any:
    person = func.coalesce(User.display_name, User.username)
    return (
        select(QuotasCeiling, User.username, person, Level.name, Org, Team, TeamOrg)
        .outerjoin(User, User.id == QuotasCeiling.user_id)
        .outerjoin(Level, Level.id == QuotasCeiling.level_id)
        .outerjoin(Org, Org.id == QuotasCeiling.org_id)
        .outerjoin(Team, Team.id == QuotasCeiling.team_id)
        .outerjoin(TeamOrg, TeamOrg.id == Team.org_id)
        .where(which)
        .order_by(QuotasCeiling.id)
    )


def _named(
    ceiling: QuotasCeiling,
    username: str | None,
    person: str | None,
    level: str | None,
    org: Org | None,
    team: Team | None,
    team_org: Org | None,
) -> tuple[str, str, int | None]:
    """Return natural name, title and organisation of a ceiling's subject."""
    if org is not None:
        return org.slug, org.name, org.id
    if team is not None and team_org is not None:
        return f"{team_org.slug}/{team.slug}", team.name, team_org.id
    if ceiling.scope == "level":
        return level or "", level or "", None
    return username or "", person or "everybody", None


def _marked(row: Row, above: dict[tuple[int, str], QuotasCeiling]) -> Row:
    """Return the row with by how much it is over-committed."""
    if row.ceiling.scope != "team":
        return row
    org = above.get((row.org_id or 0, row.ceiling.quota_type))
    over = row.ceiling.limit_value - org.limit_value if org else Decimal(0)
    return Row(row.ceiling, row.name, row.title, row.org_id, max(over, Decimal(0)))
