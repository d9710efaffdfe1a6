"""The queue over random workloads on a moving clock: what it promises holds in each of them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from st_core.services.fair_tree import Path
from tests.core.fair.simulation import Simulation
from tests.core.fair.workloads import HOUR, SimJob, Workload, drawn
from tests.exam import Exam


def test_nothing_is_given_out_twice_none_passed_silently_none_starves_and_no_head_is_delayed(
    exam: Exam,
) -> None:
    inversions = backfilled = 0
    worst = 0.0
    for _ in range(exam.count("workloads", 40, 1000)):
        played = Simulation(drawn(exam.random))
        played.go()
        assert not played.waiting, "somebody never started"
        worst = max(worst, played.check_waits())
        inversions += played.inversions
        backfilled += played.backfilled
    assert inversions > 0 < backfilled, "the workloads were too easy"
    exam.tell(
        f"{inversions} inversions, {backfilled} past a head, waits up to {worst:.0%} of bound"
    )


def test_backfill_starts_more_and_delays_no_head_of_the_queue(exam: Exam) -> None:
    gained = 0.0
    for _ in range(exam.count("pairs", 10, 200)):
        seed = exam.random.random()
        waits = []
        for with_backfill in (True, False):
            played = Simulation(drawn(random.Random(seed)), with_backfill)
            played.go()
            waits.append(sum((job.started or 0) - job.entered for job in played.ended))
        gained += waits[1] - waits[0]
    assert gained > 0
    exam.tell(f"{gained / HOUR:.0f} hours of waiting saved")


#: Organisation → weight, and its teams → weight; each team has three people.
TREES = (
    {(1,): 1.0, (2,): 1.0, (1, 1): 1.0, (1, 2): 1.0, (2, 3): 1.0},
    {(1,): 3.0, (2,): 1.0, (1, 1): 2.0, (1, 2): 1.0, (2, 3): 1.0, (2, 4): 4.0},
    {(0,): 1.0, (1,): 2.0, (2,): 5.0, (0, 0): 1.0, (1, 1): 1.0, (2, 2): 1.0},
)
DAYS = 30


def test_over_thirty_days_everybody_gets_their_share_within_five_percent(exam: Exam) -> None:
    worst = 0.0
    for tree in TREES[: exam.count("trees", 1, 3)]:
        work = Workload({"a100": 8}, 100, 20, 50, 0.0, 7 * 24 * HOUR, dict(tree))
        played = Endless(work, chance=exam.random)
        work.jobs = [played.next_of(path) for path in _people(tree)]
        played.go(until=DAYS * 24 * HOUR)
        worst = max(worst, _error(played, tree))
    assert worst <= 0.05
    exam.tell(f"error {worst:.1%}")


@dataclass
class Endless(Simulation):
    """A queue in which everybody always wants more."""

    chance: random.Random = field(default_factory=random.Random)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def next_of(self, path: Path) -> SimJob:
        hours, devices = self.chance.uniform(1, 6), self.chance.randint(1, 2)
        length = hours * HOUR
        return SimJob(next(self.numbers), path, 10, "a100", devices, self.at, length, length)

    def _end(self) -> None:
        super()._end()
        waiting = Counter(job.path for job in self.waiting)
        for path in _people(self.work.weights):
            self.waiting += [self.next_of(path) for _ in range(2 - waiting[path])]


def _people(tree: Mapping[Path, float]) -> list[Path]:
    return [
        (*team, 100 * team[0] + 10 * team[1] + person)
        for team in tree
        if len(team) == 2
        for person in range(3)
    ]


def _error(played: Simulation, tree: dict[Path, float]) -> float:
    """Return how far, at most, a circle's part of the GPU-time is from its due among siblings."""
    got: dict[Path, float] = defaultdict(float)
    for job in [*played.ended, *played.running]:
        assert job.started is not None
        seconds = (min(job.end, played.at) - job.started) * job.devices
        for depth in range(4):
            got[job.path[:depth]] += seconds
    worst = 0.0
    for path, used in got.items():
        if not path:
            continue
        family = [one for one in got if one[:-1] == path[:-1] and len(one) == len(path)]
        due = tree.get(path, 1.0) / sum(tree.get(one, 1.0) for one in family)
        worst = max(worst, abs(used / got[path[:-1]] - due))
    return worst
