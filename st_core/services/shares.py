"""Shares: how much GPU-time organisations, teams and people have used, fading with time.

An attempt is charged in the transaction that ends it: GPU-seconds, one for a job without a GPU, to
its person, team and organisation. What runs now is counted up to the moment. All use is halved per
half-life, `queue.share_half_life_days`, so that nobody pays for last year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..clock import now
from ..db import assert_unit_of_work, db, table_of
from ..models import Attempt, Job, Org, ShareUsage, Team
from ..models.jobs import IS_ACTIVE
from . import settings
from .fair_tree import Path

DAY = 86400.0
_USED = table_of(ShareUsage)


@dataclass(frozen=True)
class Standing:
    """What every circle has used as of one moment, in GPU-seconds, and what its share weighs."""

    usage: Mapping[Path, float]
    weights: Mapping[Path, float]


def path_of(job: Job) -> Path:
    """Return the circle of a job's person."""
    return (job.org_id or 0, job.team_id or 0, job.user_id or 0)


def faded(gpu_seconds: float, seconds: float, half_life_seconds: float) -> float:
    """Return what is left of a use after `seconds`."""
    return gpu_seconds * 0.5 ** (max(seconds, 0.0) / half_life_seconds)


def half_life_seconds() -> float:
    """Return the half-life in force."""
    return float(settings.value("queue.share_half_life_days")) * DAY


def charge(job: Job, attempt: Attempt) -> None:
    """Step: add what an attempt that has ended used to its person, team and organisation."""
    assert_unit_of_work()
    if attempt.started_at is None or attempt.ended_at is None:
        return
    used = _gpu_seconds(job, attempt.started_at, attempt.ended_at)
    moment, half_life = now(), half_life_seconds()
    whole = path_of(job)
    for depth in range(1, len(whole) + 1):
        path = "/".join(map(str, whole[:depth]))
        row = db.session.get(ShareUsage, path)
        if row is None:
            db.session.add(ShareUsage(path=path, gpu_seconds=used, as_of=moment))
        else:
            kept = faded(row.gpu_seconds, (moment - row.as_of).total_seconds(), half_life)
            row.gpu_seconds, row.as_of = kept + used, moment


def _gpu_seconds(job: Job, since: datetime, until: datetime) -> float:
    return max((until - since).total_seconds(), 0.0) * devices_of(job)


def devices_of(job: Job) -> int:
    """Return how many devices an active job has; at least one."""
    return len(job.devices or ()) or devices_asked(job)


def devices_asked(job: Job) -> int:
    """Return how many devices a job asks for; at least one."""
    return max(job.gpu_count, 1)


def standing(moment: datetime | None = None) -> Standing:
    """Return who has used how much, with what runs now."""
    moment = moment or now()
    half_life = half_life_seconds()
    usage: dict[Path, float] = {}
    for path, used, as_of in db.session.execute(
        select(_USED.c.path, _USED.c.gpu_seconds, _USED.c.as_of)
    ):
        numbers = tuple(map(int, path.split("/")))
        usage[numbers] = faded(used, (moment - as_of).total_seconds(), half_life)
    running = select(Job, Attempt.started_at).join(
        Attempt, (Attempt.job_id == Job.id) & (Attempt.number == Job.attempt)
    )
    for job, started_at in db.session.execute(running.where(IS_ACTIVE)):
        if started_at is None:
            continue
        whole = path_of(job)
        for depth in range(1, len(whole) + 1):
            path = whole[:depth]
            usage[path] = usage.get(path, 0.0) + _gpu_seconds(job, started_at, moment)
    return Standing(usage, weights())


def weights() -> dict[Path, float]:
    """Return the weights of `queue.shares` by path; names of nobody are left out."""
    named: dict[str, float] = settings.value("queue.shares")
    if not named:
        return {}
    orgs = {slug: number for number, slug in db.session.execute(select(Org.id, Org.slug))}
    teams = {
        (org_id, slug): number
        for number, org_id, slug in db.session.execute(select(Team.id, Team.org_id, Team.slug))
    }
    found: dict[Path, float] = {}
    for name, weight in named.items():
        org, _, team = name.partition("/")
        path = (orgs.get(org, 0),) + ((teams.get((orgs.get(org, 0), team), 0),) if team else ())
        if 0 not in path and weight > 0:
            found[path] = weight
    return found
