"""The ceilings of one type as a tree: organisations, their teams, people with a ceiling of their
own; then levels and everybody. Each line with what is in use and which ceiling counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from st_core.clock import now
from st_core.contracts import Viewer
from st_core.db import db
from st_core.models import Membership, Org, Team
from st_core.services import org_view

from . import rows, usage
from .ceilings import NEARLY
from .kinds import Kind
from .rows import Row

ICONS = {"org": "building", "team": "people", "user": "person", "level": "bar-chart-steps"}


@dataclass(frozen=True)
class Line:
    """One line: `row` is its own ceiling if it has one, `limit` what counts (None: no ceiling) and
    `source` where that is from; `used` is None where it is counted per person."""

    key: str
    depth: int
    icon: str
    title: str
    sub: str
    row: Row | None
    used: Decimal | None
    limit: Decimal | None
    source: str
    action: str

    @property
    def look(self) -> str:
        """Return how full it is: over, warning or nothing to say."""
        if self.used is None or self.limit is None:
            return ""
        return (
            "over"
            if self.used >= self.limit
            else "warning"
            if self.used >= self.limit * NEARLY
            else ""
        )


@dataclass(frozen=True)
class Above:
    """The lowest ceiling above a line, and whose it is."""

    limit: Decimal | None = None
    source: str = ""
    action: str = ""

    def under(self, row: Row | None) -> Above:
        """Return what counts for somebody below with a ceiling of their own, or none."""
        if row is None or row.ceiling.mode != "enforce":
            return self
        if self.limit is not None and self.limit < row.ceiling.limit_value:
            return self
        return Above(row.ceiling.limit_value, "own", row.ceiling.action)


class Tree:
    """Builds the lines of one type for one viewer."""

    def __init__(self, viewer: Viewer, kind: Kind) -> None:
        found = [r for r in rows.visible(viewer) if r.ceiling.quota_type == kind.name]
        self.kind = kind
        self.own = {(row.ceiling.scope, row.ceiling.subject_id): row for row in found}
        self.orgs = org_view.lines(viewer)
        self.teams = _teams([line.org.id for line in self.orgs])
        people = [row.ceiling.user_id for row in found if row.ceiling.user_id]
        self.places = _places(people)
        self.used = {
            "org": usage.by_subject(kind, "org", [line.org.id for line in self.orgs], now()),
            "team": usage.by_subject(kind, "team", [team.id for team, _ in self.teams], now()),
            "user": usage.by_subject(kind, "user", people, now()),
        }

    def lines(self) -> list[Line]:
        """Return every line, top down."""
        found: list[Line] = []
        for each in self.orgs:
            org = Above()
            found.append(
                self._line("org", each.org.id, 0, each.org.name, _people(each.member_count), org)
            )
            below = org.under(self.own.get(("org", each.org.id)))
            below = Above(below.limit, each.org.name if below.limit else "", below.action)
            for team, count in self.teams:
                if team.org_id == each.org.id:
                    found += self._team(team, count, below)
            found += self._persons((each.org.id, None), 1, below)
        return [*found, *self._persons((None, None), 0, Above()), *self._rest()]

    def over_committed(self) -> list[Row]:
        """Return the teams whose ceiling is above their organisation's."""
        return [row for row in self.own.values() if row.over_by]

    def _team(self, team: Team, count: int, above: Above) -> list[Line]:
        line = self._line("team", team.id, 1, team.name, _people(count), above)
        below = above.under(self.own.get(("team", team.id)))
        if below.source == "own":
            below = Above(below.limit, team.name, below.action)
        return [line, *self._persons((team.org_id, team.id), 2, below)]

    def _persons(
        self, place: tuple[int | None, int | None], depth: int, above: Above
    ) -> list[Line]:
        return [
            self._line("user", number, depth, row.title, row.name, above)
            for (scope, number), row in self.own.items()
            if scope == "user" and self.places.get(number or 0, (None, None)) == place
        ]

    def _rest(self) -> list[Line]:
        """Return the lines that count per person: levels, and everybody."""
        levels = [
            self._line("level", number, 0, row.title, "level, for each person", Above())
            for (scope, number), row in self.own.items()
            if scope == "level"
        ]
        everybody = self._line("global", None, 0, "Everybody else", "for each person", Above())
        return [*levels, everybody]

    def _line(
        self, scope: str, number: int | None, depth: int, title: str, sub: str, above: Above
    ) -> Line:
        row = self.own.get((scope, number))
        counts = above.under(row)
        words = {"org": "organisation, ", "team": "team, "}
        amounts: Mapping[int, Decimal] = self.used.get(scope, {})
        return Line(
            key=f"{scope}:{number}" if number else scope,
            depth=depth,
            icon=ICONS.get(scope, "globe2"),
            title=title,
            sub=f"{words.get(scope, '')}{sub}",
            row=row,
            used=amounts.get(number or 0, Decimal(0)) if scope in self.used else None,
            limit=counts.limit,
            source=counts.source,
            action=counts.action,
        )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _teams(org_ids: Sequence[int]) -> list[tuple[Team, int]]:
    """Return the teams of these organisations by name, each with how many people it has."""
    members = select(func.count(Membership.id)).where(Membership.team_id == Team.id)
    query = (
        select(Team, members.correlate(Team).scalar_subquery())
        .where(Team.org_id.in_(org_ids))
        .order_by(func.lower(Team.name))
    )
    return [(team, count) for team, count in db.session.execute(query)]


def _places(user_ids: Sequence[int]) -> dict[int, tuple[int | None, int | None]]:
    """Return organisation and first team of people who are in one."""
    query = (
        select(Membership.user_id, Membership.org_id, Membership.team_id)
        .join(Org, Org.id == Membership.org_id)
        .where(Membership.user_id.in_(user_ids))
        .order_by(Membership.joined_at, Membership.id)
    )
    found: dict[int, tuple[int | None, int | None]] = {}
    for user_id, org_id, team_id in db.session.execute(query):
        if found.get(user_id, (None, None))[1] is None:
            found[user_id] = (org_id, team_id)
    return found
