"""What part of all jobs a viewer may see, decided once for SQL and for Python alike.

Words: a viewer's *reach* is their own jobs, their teams' jobs, and with a right to all of them
either every job or those of the own organisation. A job belongs to the organisation and team it was
submitted for, wherever its submitter is today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

from ..contracts import Viewer


@dataclass(frozen=True)
class Reach:
    """Whose things a viewer may see: of `user_id`, of `teams`, and of `orgs` (None in it stands
    for everything that belongs to no organisation); `everything` is everything."""

    everything: bool = False
    user_id: int | None = None
    teams: tuple[int, ...] = ()
    orgs: tuple[int | None, ...] = ()

    def parts(self, owner: Any, team: Any, org: Any) -> list[ColumnElement[bool]]:
        """Return the SQL criteria of which one is enough, over a table's columns of owner, team and
        organisation; each can be found by an index. None for somebody who sees nothing."""
        if self.everything:
            return [true()]
        return [
            *([] if self.user_id is None else [owner == self.user_id]),
            *(team == one for one in self.teams),
            *(org == one if one is not None else org.is_(None) for one in self.orgs),
        ]

    def criterion(self, owner: Any, team: Any, org: Any) -> ColumnElement[bool]:
        """Return one SQL criterion for rows that are found by something else.

        Where there are several parts no index is to be tempted: a large organisation's jobs would
        all be gathered before the few are looked for that a query is after.
        """
        found = self.parts(owner, team, org)
        if len(found) > 1:
            found = self.parts(owner + 0, team + 0, org + 0)
        return or_(*found) if found else false()

    def covers(self, owner: int | None, team: int | None, org: int | None) -> bool:
        """Tell the same in Python: may this viewer see what belongs to these?"""
        return (
            self.everything
            or (owner is not None and owner == self.user_id)
            or (team is not None and team in self.teams)
            or (bool(self.orgs) and org in self.orgs)
        )


def of(viewer: Viewer, *, see_all: str = "job.view.all") -> Reach:
    """Return the viewer's reach over jobs; `see_all` is the right that widens it.

    `job.view.own` gives the own jobs and the teams'. A right to all ends at the own organisation,
    and for somebody in no organisation at what belongs to none; an administrator's ends nowhere.
    """
    own = viewer.may("job.view.own")
    widened = viewer.may(see_all) and viewer.may("job.view.all")
    if widened and is_everywhere(viewer):
        return Reach(everything=True)
    return Reach(
        user_id=viewer.user_id if own else None,
        teams=viewer.team_ids if own else (),
        orgs=(viewer.org_ids or (None,)) if widened else (),
    )


def is_everywhere(viewer: Viewer) -> bool:
    """Tell whether the viewer's rights reach beyond the own organisation, as an admin's do."""
    return viewer.everywhere or viewer.may("*")


def same_org(viewer: Viewer, org_ids: Sequence[int]) -> bool:
    """Tell whether a right to all reaches somebody who is in `org_ids`."""
    if is_everywhere(viewer):
        return True
    return bool(set(org_ids) & set(viewer.org_ids)) or not (org_ids or viewer.org_ids)
