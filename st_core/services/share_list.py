"""The shares as people see them: what each organisation and team used, and what it is due."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ..contracts import Viewer
from ..db import db
from ..models import Org, Team
from . import shares, visibility
from .fair_tree import Path
from .shares import Standing

#: Of its due: below goes first, above waits longer.
NEAR = 0.05


@dataclass(frozen=True)
class Share:
    """What a circle used and what it is due, as parts (0 to 1) of what its siblings have."""

    name: str
    used: float
    due: float

    @property
    def standing(self) -> str:
        """Return in words where it stands."""
        if abs(self.used - self.due) <= NEAR * max(self.due, NEAR):
            return "at its share"
        return (
            "under its share, goes first"
            if self.used < self.due
            else "over its share, waits longer"
        )


def of(viewer: Viewer) -> list[Share]:
    """Return the shares of the organisations and teams the viewer may see, the organisation that
    used most first, its teams behind it."""
    names = _names(viewer)
    now = shares.standing()
    family = {path for path in (*names, *now.usage) if len(path) < 3}
    paths = sorted(names, key=lambda path: (-now.usage.get(path[:1], 0.0), names[path]))
    return [_share(path, names[path], family, now) for path in paths]


def _share(path: Path, name: str, family: set[Path], now: Standing) -> Share:
    siblings = [one for one in family if one[:-1] == path[:-1] and len(one) == len(path)]
    used = sum(now.usage.get(one, 0.0) for one in siblings)
    weight = sum(now.weights.get(one, 1.0) for one in siblings)
    part = now.usage.get(path, 0.0) / used if used else 0.0
    return Share(name, part, now.weights.get(path, 1.0) / weight)


def _names(viewer: Viewer) -> dict[Path, str]:
    """Return organisations and teams by path: all with the right to see everybody's queue, else
    the own ones."""
    query = select(Org.id, Org.name).where(Org.is_active)
    orgs = {number: name for number, name in db.session.execute(query)}
    if not visibility.is_everywhere(viewer):
        orgs = {number: name for number, name in orgs.items() if number in viewer.org_ids}
    found: dict[Path, str] = {(number,): name for number, name in orgs.items()}
    teams = select(Team.id, Team.org_id, Team.name).where(Team.org_id.in_(orgs), Team.is_active)
    for number, org_id, name in db.session.execute(teams):
        if viewer.may("queue.view.all") or number in viewer.team_ids:
            found[(org_id, number)] = f"{orgs[org_id]}: {name}"
    return found
