"""How long runs take: the usual length of a config's runs, and by how much real runs missed it.

Words: the *usual* length is the median of earlier runs of the config, or of its trainer where the
config never ran. A *stretch* is what a run really took, divided by what was usual when it began;
each is taken as it would have been told then, so that few runs give a wide spread.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select

from ..db import db
from ..models import Job, JobState
from ..models.jobs import in_states

RUNS_LOOKED_AT = 600
#: Fewer stretches than this say too little by themselves: those of the trainer, then all are taken.
ENOUGH = 12
#: Where nothing has been missed yet: a run takes between a third and three times as long.
BLIND = (0.33, 0.5, 0.7, 0.85, 1.0, 1.0, 1.2, 1.4, 2.0, 3.0)


@dataclass
class Lengths:
    """Lengths and stretches of past runs, in seconds, by config and by trainer."""

    runs: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    missed: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def learn(self, config: str, trainer: str, seconds: float) -> None:
        """Take in one more run, later than those before."""
        expected = self.usual(config, trainer)
        for kind in _kinds(config, trainer):
            if math.isfinite(expected) and expected > 0:
                self.missed[kind].append(seconds / expected)
            insort(self.runs[kind], seconds)

    def usual(self, config: str, trainer: str) -> float:
        """Return the usual length, infinite where neither config nor trainer ever ran."""
        for kind in _kinds(config, trainer)[:2]:
            if runs := self.runs[kind]:
                middle = len(runs) // 2
                return runs[middle] if len(runs) % 2 else (runs[middle - 1] + runs[middle]) / 2
        return math.inf

    def stretches(self, config: str, trainer: str) -> list[float]:
        """Return the stretches to draw from; never empty."""
        for kind in _kinds(config, trainer):
            if len(self.missed[kind]) >= ENOUGH:
                return self.missed[kind]
        return [*self.missed["all"], *BLIND]

    def basis(self, config: str, trainer: str) -> str:
        """Return in words what a length is taken from."""
        of_config, of_trainer = (len(self.runs[kind]) for kind in _kinds(config, trainer)[:2])
        if of_config:
            return f"{of_config} earlier {'run' if of_config == 1 else 'runs'} of {config}"
        if of_trainer:
            return f"{of_trainer} earlier {'run' if of_trainer == 1 else 'runs'} of {trainer}"
        return "no earlier run"


def _kinds(config: str, trainer: str) -> tuple[str, str, str]:
    return f"config {config}", f"trainer {trainer}", "all"


def recent() -> Lengths:
    """Return what the last runs took, whichever way they ended; two statements at most."""
    rows = db.session.execute(
        select(Job.config_name, Job.trainer, Job.started_at, Job.completed_at)
        .where(
            in_states((JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)),
            Job.started_at.is_not(None),
        )
        .order_by(Job.id.desc())
        .limit(RUNS_LOOKED_AT)
    ).all()
    ended = [(end, start, config, trainer) for config, trainer, start, end in rows if start and end]
    found = Lengths()
    for completed_at, started_at, config, trainer in sorted(ended):
        found.learn(config, trainer, max((completed_at - started_at).total_seconds(), 0.0))
    return found
