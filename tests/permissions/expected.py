"""The tables of what is expected, read once."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LEVELS = ("viewer", "researcher", "lead", "admin")
#: Needs that are no permissions: health and set-up status, which look at no credential; what is
#: open to all; somebody signed in; a person, not an address; a browser's session, not a key.
ALWAYS, ANYONE, SIGNED_IN, PERSON, SESSION = (
    "always",
    "anyone",
    "signed_in",
    "a person",
    "a session",
)


@dataclass(frozen=True)
class Caller:
    """Who somebody is to the server: nobody (`held` None), a key, or an address.

    `refused` is a credential that is no good: it is refused wherever it is looked at.
    """

    held: frozenset[str] | None = None
    refused: bool = False
    address_only: bool = False


@dataclass(frozen=True)
class Route:
    """One method of one path. `needs` is a word of above, or permissions of which one is enough;
    `also` is a permission needed besides."""

    path: str
    method: str
    needs: str
    also: str = ""

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Return the permissions of which one is enough; none where no permission is needed."""
        return tuple(self.needs.split(" or ")) if "." in self.needs else ()

    def lets(self, who: Caller) -> bool:
        """Tell whether somebody passes who calls with an API key, by address, or as nobody."""
        if self.needs == ALWAYS or (self.needs == ANYONE and not who.refused):
            return True
        if who.held is None or self.needs == SESSION:
            return False
        if self.needs == PERSON:
            return not who.address_only
        enough = self.needs == SIGNED_IN or bool(who.held & set(self.alternatives))
        return enough and (not self.also or self.also in who.held)


@dataclass(frozen=True)
class OnJob:
    """What one route about a job needs: for the own one, a team mate's, and a stranger's."""

    path: str
    method: str
    needs: dict[str, str]


@cache
def permissions_of(level: str) -> frozenset[str]:
    """Return what a level holds by the guide's table."""
    return frozenset(row["permission"] for row in _rows("levels.csv") if row[level] == "yes")


@cache
def routes() -> tuple[Route, ...]:
    """Return every route that is expected."""
    return tuple(Route(**row) for row in _rows("routes.csv"))


@cache
def on_jobs() -> tuple[OnJob, ...]:
    """Return what is expected of routes about one job."""
    whose = ("own", "team", "other")
    return tuple(
        OnJob(row["path"], row["method"], {name: row[name] for name in whose})
        for row in _rows("objects.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
