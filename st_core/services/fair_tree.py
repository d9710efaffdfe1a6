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
from datetime import datetime
from typing import NamedTuple

from . import ageing

Path = tuple[int, ...]
#: Less than this share of the largest use is nothing: sums of floats differ in the last digits.
GRAIN = 1e-9


class Candidate(NamedTuple):
    """The first waiting job of one person, team and priority."""

    job_id: int
    path: Path
    priority: int
    queued_at: datetime


def ranks(
    paths: Iterable[Path], usage: Mapping[Path, float], weights: Mapping[Path, float]
) -> dict[Path, int]:
    """Return the rank of each path, 0 for who goes first; equal ones share a rank."""
    grain = (max(usage.values(), default=0.0) or 1.0) * GRAIN
    known: dict[Path, int] = {}

    def factor(path: Path) -> int:
        if path not in known:
            known[path] = round(usage.get(path, 0.0) / weights.get(path, 1.0) / grain)
        return known[path]

    keys = {
        path: tuple([factor(path[:depth]) for depth in range(1, len(path) + 1)])
        for path in set(paths)
    }
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    return {path: places[key] for path, key in keys.items()}


def order(
    candidates: Iterable[Candidate],
    usage: Mapping[Path, float],
    weights: Mapping[Path, float],
    moment: datetime,
    step_seconds: float,
) -> list[Candidate]:
    """Return the candidates in the order in which they go at `moment`.

    First the priority with ageing; within it whoever is overdue by time, the others by the tree,
    then by time, then by number. `step_seconds` is the step of ageing.
    """
    found = list(candidates)
    placed = ranks((one.path for one in found), usage, weights)

    def key(one: Candidate) -> tuple[int, int, datetime, int]:
        job_id, path, priority, queued_at = one
        if step_seconds > 0:
            waited = (moment - queued_at).total_seconds()
            priority = ageing.effective(priority, waited, step_seconds)
        return -priority, 0 if priority >= ageing.TOP else placed[path], queued_at, job_id

    return sorted(found, key=key)
