"""The heads of the queue: those who wait for devices only, and who may start before them.

There is one head per pool of devices, the first in order. Until it starts, a job further back gets
devices of its pool only where that does not delay it (`backfill`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sqlalchemy import select

from ..clock import now
from ..contracts import Hold
from ..db import db
from ..models import Attempt, Job
from ..models.jobs import IS_ACTIVE
from . import backfill, run_lengths, settings, shares
from .backfill import Reservation, Running
from .limits import Load
from .run_lengths import Lengths

CPU = "cpu"


def kind_of(job: Job) -> str | None:
    """Return the kind of devices a job may be given, None for any GPU."""
    named = (job.hardware or "").lower().removeprefix("gpu-")
    if named == CPU or (not named and job.gpu_count == 0):
        return CPU
    together = settings.value("queue.local_gpu_max_concurrent") is not None
    return None if together or job.details.get("any_gpu") or not named else named


def compete(one: Job, other: Job) -> bool:
    """Tell whether two jobs could be given the same device."""
    kinds = {kind_of(one), kind_of(other)}
    alike = len(kinds) == 1 or (None in kinds and CPU not in kinds)
    return one.provider == other.provider and alike


@dataclass
class Line:
    """The heads met so far in one look at the queue."""

    heads: list[tuple[Job, Reservation]] = field(default_factory=list)
    _lengths: Lengths | None = None

    def wait(self, job: Job, hold: Hold) -> None:
        """Let a held job be the head of its pool, if it waits for devices and is the first."""
        if hold.free_devices is None or any(compete(head, job) for head, _ in self.heads):
            return
        needs = shares.devices_asked(job)
        reserved = backfill.reserve(needs, hold.free_devices, self._running(job))
        if reserved is not None:
            self.heads.append((job, reserved))

    def holds(self, job: Job, present: Load) -> Hold | None:
        """Return the hold on a job that would delay a head, None when it delays nobody."""
        for head, reserved in self.heads:
            if (scope := _in_the_way(job, head, present)) is not None:
                text = (
                    f"Job {head.id} goes first; this one would take the last place of its {scope}."
                )
                return Hold(text, scope=scope)
            if compete(head, job) and not backfill.may_pass(
                shares.devices_asked(job), self._longest(job), reserved
            ):
                text = f"Job {head.id} goes first; this one would still have devices it needs."
                return Hold(text, scope="behind")
        return None

    def _running(self, head: Job) -> list[Running]:
        """Return the running jobs of a head's pool with the moments they may end at the soonest."""
        query = select(Job, Attempt).join(
            Attempt, (Attempt.job_id == Job.id) & (Attempt.number == Job.attempt)
        )
        rows = db.session.execute(query.where(IS_ACTIVE, Job.provider == head.provider)).all()
        return [
            Running(shares.devices_of(job), self._soonest(job, attempt))
            for job, attempt in rows
            if compete(head, job)
        ]

    def _soonest(self, job: Job, attempt: Attempt) -> float:
        told = (attempt.progress or {}).get("eta_seconds")
        if isinstance(told, int | float) and math.isfinite(told):
            since = (now() - (attempt.progress_at or now())).total_seconds()
            return max(told * backfill.SOONER - since, 0.0)
        usual = self.lengths.usual(job.config_name, job.trainer)
        if not math.isfinite(usual) or attempt.started_at is None:
            return 0.0
        return max(usual * backfill.SOONER - (now() - attempt.started_at).total_seconds(), 0.0)

    def _longest(self, job: Job) -> float:
        """Return how long a job runs at most: its time limit, or what is usual and a margin."""
        if job.time_limit_seconds is not None:
            return float(job.time_limit_seconds)
        return self.lengths.usual(job.config_name, job.trainer) * backfill.LATER

    @property
    def lengths(self) -> Lengths:
        """Return the lengths of earlier runs, asked for once per look."""
        if self._lengths is None:
            self._lengths = run_lengths.recent()
        return self._lengths


def _in_the_way(job: Job, head: Job, present: Load) -> str | None:
    """Return person or team, if a job would take the last place of the head's own.

    Not even for a short while: a head that a limit holds keeps no devices.
    """
    if job.bypasses_queue or head.bypasses_queue:
        return None
    most = settings.value("queue.user_max_concurrent")
    same = job.user_id is not None and job.user_id == head.user_id
    if same and present.by_user[job.user_id] + 1 >= most:
        return "person"
    most = settings.value("queue.team_max_concurrent")
    same = job.team_id is not None and job.team_id == head.team_id
    if same and present.by_team[job.team_id] + 1 >= most:
        return "team"
    return None
