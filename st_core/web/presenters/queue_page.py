"""What the queue's page shows: who waits where and why, what runs, and the limits in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...clock import now
from ...contracts import Viewer
from ...models import Attempt
from ...services import job_fields, jobs
from ...services.forecast import Start
from ...services.queue import Entry
from .. import formats
from .job_list import hardware
from .standing import sentence, standing

SOON_SECONDS = 120


@dataclass(frozen=True)
class Waiting:
    """One waiting job; `place` is 0 while it needs approval."""

    id: int
    name: str
    under: str
    state: str
    place: int
    held_by: str
    start: Start | None
    priority: int
    priority_word: str
    overridden: bool
    waits: str
    may_move: bool

    @property
    def starts_soon(self) -> bool:
        """Tell whether it starts so soon that clock times would say nothing."""
        return self.start is not None and (self.start.latest - now()).total_seconds() < SOON_SECONDS


@dataclass(frozen=True)
class Active:
    """One job that starts or runs."""

    id: int
    name: str
    under: str
    state: str
    percent: float | None
    sentence: str


@dataclass(frozen=True)
class Limit:
    """One limit as the form shows it; `most` None means no limit."""

    name: str
    label: str
    value: int | None
    least: int
    most: int
    help: str
    is_optional: bool = False


def waiting(viewer: Viewer, entries: Sequence[Entry], starts: Mapping[int, Start]) -> list[Waiting]:
    """Return the waiting jobs in their order."""
    return [_waiting(viewer, entry, starts) for entry in entries]


def _waiting(viewer: Viewer, entry: Entry, starts: Mapping[int, Start]) -> Waiting:
    job = entry.job
    since = job.queued_at or job.created_at
    near = jobs.is_near(viewer, job)
    return Waiting(
        id=job.id,
        name=job.name,
        under=_under(entry),
        state=job.state.value,
        place=entry.position,
        held_by=entry.waits_because or "Starts when it is its turn.",
        start=starts.get(job.id),
        priority=job.effective_priority,
        priority_word=jobs.priority_name(job.effective_priority),
        overridden=job.priority_override is not None,
        waits=formats.duration((now() - since).total_seconds()),
        may_move=viewer.may("queue.manage") or (near and viewer.may("job.priority.high")),
    )


def active(entries: Sequence[Entry], attempts: Mapping[int, Attempt]) -> list[Active]:
    """Return what starts and runs."""
    return [
        Active(
            id=entry.job.id,
            name=entry.job.name,
            under=_under(entry),
            state=entry.job.state.value,
            percent=standing(attempts.get(entry.job.id)).percent,
            sentence=sentence(
                entry.job, attempts.get(entry.job.id), jobs.duration_seconds(entry.job)
            ),
        )
        for entry in entries
    ]


def _under(entry: Entry) -> str:
    """Return the second line of a row: number, person, hardware."""
    person = job_fields.submitter(entry.job, entry.user)
    return f"{entry.job.id}, {person}, {hardware(entry.job)}"


def limits(current: Mapping[str, int | None], running: int, held: Mapping[str, int]) -> list[Limit]:
    """Return the limits of the form; `held` counts the jobs each of them holds back now."""
    return list(_limits(current, running, held))


def _limits(
    current: Mapping[str, int | None], running: int, held: Mapping[str, int]
) -> Iterator[Limit]:
    def back(name: str) -> str:
        count = held.get(name, 0)
        return f" Holds back {formats.plural(count, 'job')} now." if count else ""

    yield Limit(
        "max_concurrent",
        "At the same time, everyone",
        current["max_concurrent"],
        1,
        100,
        f"{running} running now.{back('max_concurrent')}",
    )
    yield Limit(
        "user_max_concurrent",
        "At the same time, one person",
        current["user_max_concurrent"],
        1,
        20,
        back("user_max_concurrent").strip(),
    )
    yield Limit(
        "team_max_concurrent",
        "At the same time, one team",
        current["team_max_concurrent"],
        1,
        50,
        back("team_max_concurrent").strip(),
    )
    yield Limit(
        "local_job_max_concurrent",
        "At the same time, on this machine",
        current["local_job_max_concurrent"],
        1,
        10,
        back("local_job_max_concurrent").strip(),
    )
    yield Limit(
        "local_gpu_max_concurrent",
        "GPUs of this machine in use",
        current["local_gpu_max_concurrent"],
        1,
        1024,
        "Empty: all of them.",
        is_optional=True,
    )


def held_by_limit(entries: Sequence[Entry]) -> dict[str, int]:
    """Count the waiting jobs that each limit holds back, told by the sentence it gives."""
    marks = {
        "max_concurrent": "jobs run at the same time",
        "user_max_concurrent": "running for this person",
        "team_max_concurrent": "running for this team",
        "local_job_max_concurrent": "jobs run on this machine",
    }
    return {
        name: sum(mark in (entry.waits_because or "") for entry in entries)
        for name, mark in marks.items()
    }
