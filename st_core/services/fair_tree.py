"""The fair tree: in which order people go who have used different amounts. Pure.

Words: a *circle* is an organisation, a team in it, or a person in that; its *path* is their
numbers, `(org, team, person)` for a person, 0 for "in none". A circle's *load factor* is what it
used divided by its weight among its siblings, the inverse of the level fair share of Slurm's fair
tree (https://slurm.schedmd.com/fair_tree.html), whose idea this is: siblings are compared only with
each other, from the top down, so a person of an organisation that used little goes before everyone
of one that used much. The children of siblings with the same factor are compared as one family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from . import ageing

Path = tuple[int, ...]
Key = tuple[int, tuple[int, ...], datetime, int]
#: Less than this share of the largest use is nothing: sums of floats differ in the last digits.
GRAIN = 1e-9


class Candidate(NamedTuple):
    """The first waiting job of one person, team and priority."""

    job_id: int
    path: Path
    priority: int
    queued_at: datetime


class Tree:
    """The tree as of one moment: what everybody used, and what their shares weigh."""

    def __init__(self, usage: Mapping[Path, float], weights: Mapping[Path, float]) -> None:
        self._usage, self._weights = usage, weights
        self._grain = (max(usage.values(), default=0.0) or 1.0) * GRAIN
        self._factors: dict[Path, int] = {}

    def place(self, path: Path) -> tuple[int, ...]:
        """Return the load factors along a path, the organisation's first; the lowest goes first."""
        return tuple([self._factor(path[:depth]) for depth in range(1, len(path) + 1)])

    def _factor(self, path: Path) -> int:
        if path not in self._factors:
            used = self._usage.get(path, 0.0) / self._weights.get(path, 1.0)
            self._factors[path] = round(used / self._grain)
        return self._factors[path]

    def ranks(self, paths: Iterable[Path]) -> dict[Path, int]:
        """Return the rank of each path, 0 for who goes first; equal ones share a rank."""
        places = {path: self.place(path) for path in paths}
        ranked = {place: rank for rank, place in enumerate(sorted(set(places.values())))}
        return {path: ranked[place] for path, place in places.items()}


@dataclass(frozen=True)
class Order:
    """The order at `moment`: first the priority with ageing; within it whoever is overdue by time,
    the others by the tree, then by time, then by number. `step_seconds` is the step of ageing."""

    tree: Tree
    moment: datetime
    step_seconds: float

    def key(self, one: Candidate) -> Key:
        """Return what candidates are sorted by."""
        job_id, path, priority, queued_at = one
        if self.step_seconds > 0:
            waited = (self.moment - queued_at).total_seconds()
            priority = ageing.effective(priority, waited, self.step_seconds)
        place = () if priority >= ageing.TOP else self.tree.place(path)
        return -priority, place, queued_at, job_id

    def line(self, candidates: Iterable[Candidate]) -> list[tuple[Key, Candidate]]:
        """Return the candidates with their keys, in the order in which they go."""
        return sorted([(self.key(one), one) for one in candidates])

    def sort(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Return the candidates in the order in which they go."""
        return [one for _, one in self.line(candidates)]
