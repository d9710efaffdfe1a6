"""Who cannot start now, so that the next question to the queue does not name them again.

A hold of one job holds for others as well, by its scope: those are left out together, and with the
same reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_

from ..contracts import Hold
from ..db import storable
from ..models import Job

#: scope of a hold → what another job must have in common for the hold to hold for it as well.
IN_COMMON: Mapping[str, tuple[str, ...]] = {
    "provider": ("provider",),
    "hardware": ("provider", "hardware", "any_gpu"),
    "alike": ("provider", "hardware", "gpu_count", "any_gpu"),
    "behind": (
        "provider",
        "hardware",
        "gpu_count",
        "any_gpu",
        "time_limit_seconds",
        "config_name",
        "trainer",
    ),
    "trainer": ("trainer",),
    "person": ("user_id",),
    "team": ("team_id",),
    "job": ("id",),
}
ANY_GPU = func.coalesce(Job.details["any_gpu"].as_boolean(), false())


@dataclass(frozen=True)
class Held:
    """A hold, and the jobs it holds for: those with the same `traits`."""

    reason: str
    traits: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, job: Job, hold: Hold) -> Held:
        """Return for whom the hold of `job` holds. One who may skip the queue's limits is held only
        by what holds such a one."""
        names = IN_COMMON.get(hold.scope, ("id",))
        if not job.bypasses_queue:
            names = (*names, "bypasses_queue")
        return cls(storable(hold.reason, 500), tuple((name, _trait(job, name)) for name in names))

    def holds(self, job: Job) -> bool:
        """Tell whether `job` is one of them."""
        return all(_trait(job, name) == value for name, value in self.traits)

    def criterion(self) -> ColumnElement[bool]:
        """Return the SQL criterion of these jobs."""
        return and_(
            *(
                value == ANY_GPU
                if name == "any_gpu"
                else getattr(Job, name).is_not_distinct_from(value)
                for name, value in self.traits
            )
        )


def _trait(job: Job, name: str) -> Any:
    return bool(job.details.get(name)) if name == "any_gpu" else getattr(job, name)


@dataclass
class LeftOut:
    """Whose limit is reached (`users`, `teams`; `everyone`: that of all), which `providers` take on
    nothing now, and what is held. Who may skip the queue's limits is not left out by those."""

    users: set[int] = field(default_factory=set)
    teams: set[int] = field(default_factory=set)
    everyone: bool = False
    providers: Collection[str] = ()
    held: list[Held] = field(default_factory=list)

    def limited(self) -> list[ColumnElement[bool]]:
        """Return the SQL that leaves out who is at a limit."""
        if self.everyone:
            return [Job.bypasses_queue.is_(True)]
        within: list[ColumnElement[bool]] = []
        if self.users:
            within.append(or_(Job.user_id.is_(None), Job.user_id.not_in(self.users)))
        if self.teams:
            within.append(or_(Job.team_id.is_(None), Job.team_id.not_in(self.teams)))
        return [or_(and_(*within), Job.bypasses_queue)] if within else []

    def others(self) -> list[ColumnElement[bool]]:
        """Return the SQL that leaves out the rest."""
        rules: list[ColumnElement[bool]] = [not_(each.criterion()) for each in self.held]
        if self.providers:
            rules.append(Job.provider.not_in(self.providers))
        return rules

    @property
    def is_limited(self) -> bool:
        """Tell whether any limit of the queue is reached."""
        return self.everyone or bool(self.users or self.teams)

    def is_at_limit(self, user_id: int, team_id: int) -> bool:
        """Tell whether a person or team (0: none) is left out by a limit."""
        return self.everyone or user_id in self.users or team_id in self.teams

    def holds(self, job: Job) -> Held | None:
        """Return the hold that is known to hold for `job` as well."""
        return next((each for each in self.held if each.holds(job)), None)

    def reasons(self) -> dict[str, Any]:
        """Return for the record why others who stood before were passed over."""
        limits = (
            ("queue.max_concurrent", self.everyone),
            ("queue.user_max_concurrent", self.users),
            ("queue.team_max_concurrent", self.teams),
        )
        return {
            "limits": [name for name, reached in limits if reached],
            "held": [{"reason": one.reason, **dict(one.traits)} for one in self.held],
            "busy": sorted(self.providers),
        }
