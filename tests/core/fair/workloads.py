"""Random workloads for the simulation of the queue: machines, limits, people, and what they ask."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from st_core.services.backfill import LATER, SOONER
from st_core.services.fair_tree import Path

BEGIN = datetime(2027, 1, 4, tzinfo=UTC)
HOUR = 3600.0


@dataclass(eq=False)
class SimJob:
    """A job of the simulation: `usual` is what such a run takes, `length` what this one will."""

    id: int
    path: Path
    priority: int
    kind: str
    devices: int
    entered: float
    usual: float
    length: float
    started: float | None = None
    limited: float = 0.0
    before: int = 0

    @property
    def end(self) -> float:
        assert self.started is not None
        return self.started + self.length

    @property
    def queued_at(self) -> datetime:
        return BEGIN + timedelta(seconds=self.entered)


@dataclass
class Workload:
    """A machine with its limits, and the jobs that come."""

    capacity: dict[str, int]
    total: int
    per_user: int
    per_team: int
    step: float
    half_life: float
    weights: dict[Path, float]
    jobs: list[SimJob] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(job.length for job in self.jobs)


def drawn(chance: random.Random) -> Workload:
    """Return a random workload: crowded or idle, few people or many, jobs large and small."""
    capacity = {
        kind: chance.choice([1, 2, 4, 8]) for kind in ["a100", "l40s"][: chance.randint(1, 2)]
    }
    people = _people(chance)
    work = Workload(
        capacity,
        total=chance.choice([2, 4, 8, 100]),
        per_user=chance.choice([1, 2, 4, 20]),
        per_team=chance.choice([2, 4, 50]),
        step=chance.choice([0.25, 1, 4]) * HOUR,
        half_life=chance.choice([0.5, 7]) * 24 * HOUR,
        weights={path[:1]: chance.choice([0.5, 1, 3]) for path in people},
    )
    at, pace = 0.0, chance.choice([0.1, 0.5, 2]) * HOUR
    for number in range(1, chance.randint(10, 50)):
        at += chance.expovariate(1 / pace)
        kind = chance.choice(list(capacity))
        usual = chance.choice([0.2, 1, 3, 10]) * HOUR
        work.jobs.append(
            SimJob(
                number,
                chance.choice(people),
                chance.choice([0, 10, 10, 20, 30, 40]),
                kind,
                chance.randint(1, capacity[kind]),
                at,
                usual,
                usual * chance.uniform(SOONER, LATER),
            )
        )
    return work


def _people(chance: random.Random) -> list[Path]:
    return [
        (chance.randint(0, 2), chance.randint(0, 2), number)
        for number in range(1, chance.randint(2, 9))
    ]
