"""What the list of jobs shows: rows, filters that are set, the tiles above, and which kind of empty
it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from ...models import Job
from ...services import job_fields, jobs
from ...services.job_list import Row
from ...services.overview import Counts, Recent
from .. import charts, formats
from ..words import STATES
from .config_page import short_title
from .job_filters import PERIODS, Asked
from .standing import sentence, standing


@dataclass(frozen=True)
class JobRow:
    """One job as the list shows it; `percent` only while it runs."""

    id: int
    name: str
    trainer: str
    state: str
    percent: float | None
    sentence: str
    submitter: str
    hardware: str
    cost: str
    created_at: datetime


@dataclass(frozen=True)
class Tile:
    """A figure above a list, with a drawing of how it went."""

    label: str
    value: str
    unit: str = ""
    drawing: Markup = Markup("")  # noqa: RUF009 - immutable


@dataclass(frozen=True)
class Chip:
    """A set filter that is no select: its words, and the parameters that removing it drops."""

    word: str
    parameters: str


def rows(found: Sequence[Row], trainer_titles: Mapping[str, str]) -> list[JobRow]:
    """Return the rows of one page."""
    return [_row(row, trainer_titles) for row in found]


def _row(row: Row, trainer_titles: Mapping[str, str]) -> JobRow:
    job = row.job
    at = standing(row.attempt)
    return JobRow(
        id=job.id,
        name=job.name,
        trainer=trainer_titles.get(job.trainer, job.trainer),
        state=job.state.value,
        percent=at.percent if job.state.is_active else None,
        sentence=sentence(job, row.attempt, jobs.duration_seconds(job)),
        submitter=job_fields.submitter(row.job, row.user),
        hardware=hardware(job),
        cost=cost(job.cost_usd, job.estimated_cost_usd),
        created_at=job.created_at,
    )


def hardware(job: Job) -> str:
    """Return what the job asked to run on."""
    name = job.hardware or job.provider
    return f"{name} × {job.gpu_count}" if job.gpu_count > 1 else name


def cost(actual_usd: Decimal | None, estimate_usd: Decimal | None) -> str:
    """Return what a job cost, else its estimate named as one, else nothing."""
    if actual_usd is not None:
        return formats.money(actual_usd)
    return f"{formats.money(estimate_usd)} est." if estimate_usd else ""


def tiles(counted: Counts, recent: Recent, max_concurrent: int) -> list[Tile]:
    """Return the figures above the list."""
    wait = recent.median_wait_seconds
    per_day = list(recent.completed_per_day)
    waited, unit = formats.duration(wait).split(" ", 1) if wait is not None else ("none", "yet")
    waits = list(reversed(recent.waits_seconds))[-24:]
    return [
        Tile("Active now", formats.number(counted.active), f"of {max_concurrent} at a time"),
        Tile("Waiting", formats.number(counted.queued), "in the queue"),
        Tile(
            "Median wait, 14 d", waited, unit, charts.spark(waits, "Waits of the last jobs", low=0)
        ),
        Tile(
            "Completed today",
            formats.number(per_day[-1]),
            f"{formats.number(sum(per_day))} in 14 d",
            charts.spark(per_day, "Completed per day over 14 days", low=0),
        ),
    ]


def chips(asked: Asked) -> list[Chip]:
    """Return the filters that have no select of their own."""
    words = {"since": "Since {}", "until": "Until {}", "config": "Config {}", "user": "Person {}"}
    return [
        Chip(text.format(asked[name]), name)
        for name, text in words.items()
        if asked[name] and asked[name] not in PERIODS
    ]


#: How a sentence names a filter that is set, and the list without it.
FITS = {
    "status": ("with status {}", "the status"),
    "q": ("that fits “{}”", "the words"),
    "trainer": ("of trainer {}", "the trainer"),
    "provider": ("at {}", "the provider"),
    "config": ("of config {}", "the config"),
    "since": ("since {}", "the time"),
    "until": ("until {}", "the time"),
    "user": ("of person {}", "the person"),
}


def nothing(asked: Asked, others: Sequence[tuple[str, int]]) -> str:
    """Say what was not found, and how many there would be without one of the filters."""
    parts = [
        text.format(_word(name, asked[name])) for name, (text, _) in FITS.items() if asked[name]
    ]
    if not parts:
        return "There is nothing on this page."
    more = "".join(
        f" Without {FITS[name][1]} there {'is' if count == 1 else 'are'} {count:,}."
        for name, count in others
    )
    return f"Nothing {', '.join(parts)}.{more}"


def _word(name: str, value: str) -> str:
    """Return a filter's value as the page calls it."""
    if name == "status":
        return " or ".join(STATES[s].word if s in STATES else s for s in value.split(","))
    if name == "trainer":
        return short_title(value)
    return PERIODS.get(value, value).lower() if name == "since" else value
