"""Which organisation and team a job is submitted for: the submitter's own.

A job keeps both for its life, wherever the submitter goes. Nothing new is submitted for what is not
active; what was submitted before goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ..contracts import Viewer
from ..db import db
from ..errors import Malformed, NotAllowed
from ..models import Membership, Org, Team


@dataclass(frozen=True)
class Place:
    """The organisation and the team of a job, None for somebody who is in none."""

    org_id: int | None = None
    team_id: int | None = None


def of(viewer: Viewer, team_id: int | None = None) -> Place:
    """Return where a submission of `viewer` belongs: to the team named, else to the active team
    they joined first, else to their organisation alone.

    Raises Malformed for a team they are not in or that is not active.
    """
    if team_id is not None and team_id not in viewer.team_ids:
        raise _unusable(f"you are not a member of a team {team_id}")
    teams = choices(viewer)
    if team_id is not None and team_id not in teams:
        raise _unusable(f"the team {team_id} is not active")
    org_id = viewer.org_ids[0] if viewer.org_ids else None
    return Place(org_id, team_id if team_id is not None else next(iter(teams), None))


def refuse_inactive(org_id: int | None) -> None:
    """Pass unless the organisation is not active. Raises NotAllowed."""
    org = db.session.get(Org, org_id) if org_id is not None else None
    if org is not None and not org.is_active:
        raise NotAllowed(
            f"The organisation {org.name} is not active: nothing new is submitted for it. "
            "Whoever administers it can activate it again.",
            code="organization_inactive",
        )


def choices(viewer: Viewer) -> dict[int, str]:
    """Return the active teams the viewer is in, number and name, the one joined first at the
    beginning."""
    if not viewer.team_ids:
        return {}
    query = (
        select(Team.id, Team.name)
        .join(Membership, Membership.team_id == Team.id)
        .where(Membership.user_id == viewer.user_id, Team.is_active)
        .order_by(Membership.id)
    )
    return {team_id: name for team_id, name in db.session.execute(query)}


def _unusable(why: str) -> Malformed:
    return Malformed(
        f"team_id: {why}. Leave it out, or name one of your own teams.",
        fields=[{"path": "team_id", "message": why}],
    )
