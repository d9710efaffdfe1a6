"""One play of the queue: who starts when, if runs take these times and others come meanwhile.

Pure: no database and no clock. Seconds are counted from now. The rules are the queue's own: in
order, whoever the limits let pass goes first.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

#: Starts, ends and arrivals of one play at most; who has not started by then has no known start.
MOST_EVENTS = 1500


@dataclass(frozen=True, slots=True)
class Run:
    """A job as a play sees it: `here` says that it runs on this machine, `bypasses` that no limit
    of the queue holds it."""

    id: int
    priority: int
    user: int | None
    team: int | None
    config: str
    trainer: str
    here: bool
    bypasses: bool = False


@dataclass(frozen=True)
class Caps:
    """How many may run at the same time: all, of one person, of one team, on this machine."""

    total: int
    user: int
    team: int
    here: int


@dataclass
class _Stage:
    """What runs at one moment of a play."""

    caps: Caps
    total: int = 0
    here: int = 0
    by_user: Counter[int | None] = field(default_factory=Counter)
    by_team: Counter[int | None] = field(default_factory=Counter)

    def has_room(self, run: Run) -> bool:
        if run.bypasses:
            return True
        caps = self.caps
        return (
            self.total < caps.total
            and self.by_user[run.user] < caps.user
            and (run.team is None or self.by_team[run.team] < caps.team)
            and (not run.here or self.here < caps.here)
        )

    def count(self, run: Run, more: int) -> None:
        self.total += more
        self.here += more * run.here
        self.by_user[run.user] += more
        self.by_team[run.team] += more


def play(
    running: Sequence[tuple[float, Run]],
    waiting: Sequence[Run],
    coming: Iterator[tuple[float, Run]],
    caps: Caps,
    length: Callable[[Run], float],
) -> dict[int, float]:
    """Return in how many seconds each job of `waiting`, given in queue order, starts.

    `running` names what runs with the seconds it has left; `coming` yields what comes, in order of
    time; `length` draws the seconds of a run. Who never starts is left out.
    """
    stage, numbers = _Stage(caps), count()
    ends = [(left, next(numbers), run) for left, run in running]
    for _, run in running:
        stage.count(run, 1)
    heapq.heapify(ends)
    queue, wanted = list(waiting), {run.id for run in waiting}
    found: dict[int, float] = {}
    at, newcomer = 0.0, next(coming, None)
    for _ in range(MOST_EVENTS):
        for run in _started(stage, queue):
            heapq.heappush(ends, (at + length(run), next(numbers), run))
            if run.id in wanted:
                found[run.id] = at
        if len(found) == len(wanted) or not ends or ends[0][0] == math.inf:
            break  # newcomers make no room
        if newcomer is not None and newcomer[0] < ends[0][0]:
            at = newcomer[0]
            _join(queue, newcomer[1])
            newcomer = next(coming, None)
        else:
            at, _, run = heapq.heappop(ends)
            stage.count(run, -1)
    return found


def _started(stage: _Stage, queue: list[Run]) -> list[Run]:
    """Take out of the queue whoever may start now, in its order."""
    chosen = []
    for run in list(queue):
        if stage.has_room(run):
            stage.count(run, 1)
            queue.remove(run)
            chosen.append(run)
        elif stage.total >= stage.caps.total and not any(one.bypasses for one in queue):
            break
    return chosen


def _join(queue: list[Run], newcomer: Run) -> None:
    """Put a newcomer behind all who have its priority or a higher one."""
    place = len(queue)
    while place and queue[place - 1].priority < newcomer.priority:
        place -= 1
    queue.insert(place, newcomer)
