"""Roles in a team: what somebody may do there, on top of the permissions they hold.

A team's *admin* may do anything in it, its *lead* adds and removes plain members, a *member*
nothing. Administrators, and whoever manages the members of the organisation
(`org.manage.members`), pass without a role.
"""

from __future__ import annotations

from sqlalchemy import select

from ..contracts import Viewer
from ..db import db
from ..errors import NotAllowed
from ..models import Membership, Team
from . import visibility

MEMBER, LEAD, ADMIN = ROLES = ("member", "lead", "admin")


def role_of(user_id: int, team_id: int) -> str | None:
    """Return somebody's role in a team, None when they are not in it."""
    query = select(Membership.role).where(
        Membership.user_id == user_id, Membership.team_id == team_id
    )
    return db.session.scalar(query)


def may_place(viewer: Viewer, role: str | None, *roles: str) -> bool:
    """Tell whether somebody with `role` in a team may add or remove people of all of `roles`."""
    if passes(viewer) or role == ADMIN:
        return True
    return role == LEAD and all(one == MEMBER for one in roles)


def passes(viewer: Viewer) -> bool:
    """Tell whether the viewer needs no role in the teams they may see."""
    return visibility.is_everywhere(viewer) or viewer.may("org.manage.members")


def require_admin(viewer: Viewer, team: Team, what: str) -> None:
    """Pass when the viewer may do anything in the team. Raises NotAllowed."""
    if not passes(viewer) and (role := role_of(viewer.user_id, team.id)) != ADMIN:
        raise _too_low(team, role, what, ADMIN)


def require_place(viewer: Viewer, team: Team, what: str, *roles: str) -> None:
    """Pass when the viewer may add or remove people of these roles. Raises NotAllowed."""
    role = None if passes(viewer) else role_of(viewer.user_id, team.id)
    if not may_place(viewer, role, *roles):
        plain = all(one == MEMBER for one in roles)
        raise _too_low(team, role, what, f"{LEAD} or {ADMIN}" if plain else ADMIN)


def _too_low(team: Team, role: str | None, what: str, needed: str) -> NotAllowed:
    yours = f"your role there is {role}" if role else "you are not in it"
    return NotAllowed(
        f"Permission denied: to {what} in the team {team.name} needs the role {needed} there; "
        f"{yours}. An admin of the team can give it to you.",
        code="team_role_too_low",
        details={"role": role, "needed": needed},
    )
