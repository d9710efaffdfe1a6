"""Explanations: why a job waits, what would start it, and when it will probably start.

Words: a *why* is the whole answer for one job and one viewer; what they may not see of others has
no name in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..contracts import Remedy, Viewer
from ..db import db
from ..models import Job, JobState
from . import forecast, holders, jobs, smallest_change
from .forecast import Forecast
from .holders import Holding

WAITING = (JobState.PENDING_APPROVAL, JobState.QUEUED)
NOW = "Nothing holds it: it starts as soon as the dispatcher looks."


@dataclass(frozen=True)
class Why:
    """Why a job waits: a sentence, every gate, and the sets of changes that would start it.

    Every set of `ways` is enough by itself. `is_proven` says that the dispatcher's own decision was
    asked, `is_smallest` that no smaller set would do. `forecast` is None for what does not wait in
    the queue.
    """

    job_id: int
    status: str
    sentence: str
    gates: tuple[Holding, ...] = ()
    ways: tuple[tuple[Remedy, ...], ...] = ()
    is_proven: bool = False
    is_smallest: bool = False
    forecast: Forecast | None = None

    @property
    def waits(self) -> bool:
        """Tell whether the job waits at all."""
        return bool(self.gates)


def gates(viewer: Viewer, job: Job) -> list[Holding]:
    """Return every gate before the start of a job, none when it does not wait. Reads only."""
    return holders.of(viewer, job) if job.state in WAITING else []


def why(viewer: Viewer, job_id: int | str) -> Why:
    """Return the whole answer for one job. Raises NotFound when the viewer may not know of it."""
    job = jobs.get(viewer, job_id)
    number, status = job.id, job.state.value
    trail = gates(viewer, job)
    if not trail:
        return Why(number, status, f"It does not wait: it is {status.replace('_', ' ')}.")
    named = [remedy for one in trail if one.result != "pass" for remedy in one.remedies]
    answer = smallest_change.find(job, [each for each in named if each.subject])
    expected = forecast.of(db.session.get_one(Job, number))
    ways = (
        tuple(holders.told_remedy(viewer, remedy) for remedy in way)
        for way in answer.ways or _unproven(trail)
    )
    return Why(
        number,
        status,
        sentence(trail, starts_now=answer.ways == ((),)),
        tuple(trail),
        tuple(dict.fromkeys(ways)),
        answer.is_proven,
        answer.is_smallest,
        expected,
    )


def sentence(trail: list[Holding], *, starts_now: bool = False) -> str:
    """Return the first thing that holds a job back, in one sentence."""
    if starts_now:
        return NOW
    first = {one.result: one for one in reversed(trail)}
    held = first.get("no") or first.get("ask") or first.get("wait")
    if held is None:
        return NOW
    text = held.text[:1].upper() + held.text[1:]
    return text if text.endswith(".") else f"{text}."


def _unproven(trail: list[Holding]) -> tuple[tuple[Remedy, ...], ...]:
    """Return one remedy of every gate that holds, where nothing this server does itself helps."""
    return (tuple(one.remedies[0] for one in trail if one.result == "no" and one.remedies),)
