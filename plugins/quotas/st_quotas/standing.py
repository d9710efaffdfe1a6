"""Where a person stands: every ceiling that counts for them, what is in use, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from st_core.clock import now
from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import NotFound
from st_core.models import User
from st_core.services import decisions, placement, scopes, users, visibility

from . import ceilings, subjects, usage
from .ceilings import NEARLY, Ceiling
from .kinds import KINDS, Measure
from .policy import POLICY


@dataclass(frozen=True)
class Counted:
    """One ceiling that counts, and how much of what it counts is in use."""

    ceiling: Ceiling
    used: Decimal

    @property
    def left(self) -> Decimal:
        """Return what is left below the ceiling; below 0 when more is in use."""
        return self.ceiling.limit - self.used

    @property
    def is_exceeded(self) -> bool:
        """Tell whether the ceiling is reached."""
        return self.used >= self.ceiling.limit

    @property
    def is_warning(self) -> bool:
        """Tell whether 80 % of it are in use."""
        return self.used >= self.ceiling.limit * NEARLY

    @property
    def message(self) -> str:
        """Return it as a sentence."""
        kind, one = self.ceiling.kind, self.ceiling
        return (
            f"{kind.figure(self.used)} of {kind.figure(one.limit)} {kind.unit} ({one.origin}), "
            f"{kind.figure(max(self.left, Decimal(0)))} left"
        )


@dataclass(frozen=True)
class Standing:
    """One type as it stands for a person: `effective` is the lowest of the ceilings that count,
    `tightest` the one that leaves least; the two differ when others use the team's share."""

    type: str
    counted: tuple[Counted, ...]

    @property
    def effective(self) -> Counted:
        """Return the lowest ceiling, the narrowest of equal ones."""
        return min(self.counted, key=lambda one: one.ceiling.limit)

    @property
    def tightest(self) -> Counted:
        """Return the ceiling that leaves least."""
        return min(self.counted, key=lambda one: one.left)


def visible_person(viewer: Viewer, user_id: int) -> User:
    """Return a person whose quotas the viewer may see. Raises NotFound."""
    user = users.get(user_id)
    if user.id != viewer.user_id and not visibility.same_org(viewer, subjects.org_ids_of(user_id)):
        raise NotFound(f"there is no user {user_id}", code="user_not_found")
    return user


def of_user(user_id: int) -> list[Standing]:
    """Return where a person stands, for what they submit without naming a team."""
    user = db.session.get(User, user_id)
    return of(users.viewer_of(user, "service")) if user is not None else []


def of(viewer: Viewer) -> list[Standing]:
    """Return where a viewer stands, one entry per type that has a ceiling, in order of types."""
    asked = _asked(viewer)
    document, _ = decisions.in_force(POLICY)
    enforced = [
        one
        for one in ceilings.applying(ceilings.of_document(document), asked)
        if one.mode == "enforce"
    ]
    moment = now()
    found: dict[str, list[Counted]] = {}
    for one in enforced:
        amount = usage.used(one.kind, one.counted, asked[f"{one.counted}_id"], moment)
        found.setdefault(one.type, []).append(Counted(one, amount))
    return [Standing(name, tuple(found[name])) for name in KINDS if name in found]


def blocking(standings: Sequence[Standing]) -> list[Counted]:
    """Return the ceilings that would refuse the next job whatever it is: reached, with `block`."""
    return [
        one
        for standing in standings
        for one in standing.counted
        if one.is_exceeded
        and one.ceiling.action == "block"
        and one.ceiling.kind.measure is Measure.JOBS
    ]


def _asked(viewer: Viewer) -> dict[str, Any]:
    place = placement.of(viewer)
    return {
        "user": viewer.username,
        "user_id": viewer.user_id,
        "levels": list(viewer.levels),
        "org": scopes.org_slug(place.org_id),
        "org_id": place.org_id,
        "team": scopes.team_path(place.team_id),
        "team_id": place.team_id,
    }
