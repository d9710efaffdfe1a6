"""The job's first page: how far, how long still, is it healthy, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup

from ...contracts import Checkpoint
from ...models import Attempt, Event, Job, JobState
from ...services import jobs, registries
from .. import charts, diffs, formats
from ..words import OUTCOMES, Look
from .config_page import short_title
from .job_list import Tile
from .standing import Standing, first_line, sentence


@dataclass(frozen=True)
class Progress:
    """The panel at the top: of a running job how far, of an ended one what came of it, of a failed
    one why.
    """

    headline: str
    words: tuple[str, ...]
    percent: float | None
    marks: tuple[float, ...]
    note: str
    remaining: str = ""
    ends_between: tuple[datetime, datetime] | None = None
    reason: str = ""
    reason_more: str = ""


@dataclass(frozen=True)
class Detail:
    """One line of the key-value grid."""

    word: str
    value: str
    more: str = ""
    url: str = ""
    mono: bool = False
    more_mono: bool = False


@dataclass(frozen=True)
class AttemptLine:
    """One start of the job."""

    number: int
    look: Look
    took: str
    since: datetime
    text: str


@dataclass(frozen=True)
class Change:
    """What differs from the run before."""

    title: str
    by: str
    lines: tuple[diffs.Line, ...]
    count: int


def progress(
    job: Job, attempt: Attempt | None, at: Standing, checkpoints: Sequence[Checkpoint]
) -> Progress:
    """Return the panel at the top."""
    seconds = jobs.duration_seconds(job)
    marks = tuple(
        100 * c.step / at.total for c in checkpoints if at.total and 0 < c.step < at.total
    )
    failed = job.state is JobState.FAILED
    words = _words(job, attempt, at, seconds)
    return Progress(
        headline=formats.percent(at.percent, 1)
        if at.percent is not None and job.state is JobState.RUNNING
        else "",
        words=tuple(word for word in words if word),
        percent=at.percent if job.started_at else None,
        marks=marks if len(marks) <= 60 else (),
        note=_checkpoint_note(checkpoints) if job.started_at else "",
        remaining=at.remaining if job.state is JobState.RUNNING else "",
        ends_between=at.ends_between if job.state is JobState.RUNNING else None,
        reason=sentence(job, attempt, seconds) if failed else "",
        reason_more=_rest(job.error_message) if failed else "",
    )


def _words(job: Job, attempt: Attempt | None, at: Standing, seconds: float | None) -> Iterator[str]:
    if job.state in (JobState.PENDING_APPROVAL, JobState.QUEUED, JobState.STARTING):
        yield sentence(job, attempt, seconds)
        return
    if job.state.is_final and job.state is not JobState.FAILED:
        yield {"completed": "Completed"}.get(job.state.value, "Cancelled") + (
            f" after {formats.duration(seconds)}" if seconds is not None else " before it started"
        )
    if at.stage and job.state is JobState.RUNNING:
        yield at.stage[:1].upper() + at.stage[1:]
    if at.step is not None:
        yield f"step {at.step:,} of {at.total:,}" if at.total else f"step {at.step:,}"
    if at.epoch:
        yield f"epoch {at.epoch:.3g}"
    if pace := at.metrics.get("steps_per_second"):
        yield (
            f"{formats.figure(1 / pace)} s per step"
            if pace < 1
            else f"{formats.figure(pace)} steps per s"
        )
    if job.state.is_final and at.loss is not None:
        yield f"last loss {formats.figure(at.loss)}"


def _checkpoint_note(checkpoints: Sequence[Checkpoint]) -> str:
    if not checkpoints:
        return "No checkpoint has been saved yet."
    return f"Marks are checkpoints. The last good one is step {checkpoints[-1].step:,}."


def _rest(text: str | None) -> str:
    """Return what an error says after its first line, in short."""
    lines = [line for line in (text or "").strip().splitlines() if line.strip()]
    return first_line("\n".join(lines[1:]), 300)


def tiles(
    job: Job, at: Standing, loss: Sequence[tuple[int, float]], smoothing: float
) -> list[Tile]:
    """Return the figures under the progress panel: loss, what the run uses, what it costs."""
    found = []
    if len(loss) > 1:
        values = charts.smooth([value for _, value in loss], smoothing)
        kept = [values[i] for i in charts.thin(len(values), 40)]
        label = "Loss, smoothed" if smoothing else "Loss"
        found.append(Tile(label, formats.figure(values[-1]), "", charts.spark(kept, "Loss so far")))
    found += list(_usage_tiles(at.usage))
    if job.cost_usd or job.estimated_cost_usd:
        of = f"of {formats.money(job.estimated_cost_usd)} est." if job.estimated_cost_usd else ""
        found.append(
            Tile("Cost" if job.state.is_final else "Cost so far", formats.money(job.cost_usd), of)
        )
    return found


def _usage_tiles(usage: dict[str, Any]) -> Iterator[Tile]:
    """Return what the run uses of its machine, as far as its provider tells."""
    for key, label, unit in (
        ("gpu_percent", "GPU use", "%"),
        ("cpu_percent", "CPU use", "%"),
        ("gpu_temperature_celsius", "Temperature", "°C"),
    ):
        if isinstance(value := usage.get(key), int | float):
            yield Tile(label, formats.number(value), unit, _history(usage, key, label))
    for key, total, label in (
        ("gpu_memory_bytes", "gpu_memory_total_bytes", "GPU memory"),
        ("memory_bytes", "memory_total_bytes", "Memory"),
    ):
        if isinstance(value := usage.get(key), int | float):
            used, unit = formats.memory(value).split(" ")
            whole = formats.memory(usage[total]) if usage.get(total) else ""
            same = whole.endswith(f" {unit}")
            words = f"of {whole}" if same else f"{unit} of {whole}" if whole else unit
            yield Tile(label, used, words, _history(usage, key, label))


def _history(usage: dict[str, Any], key: str, label: str) -> Markup:
    values = usage.get("history", {}).get(key) or []
    return charts.spark([float(v) for v in values][-40:], f"{label} lately", low=0)


def details(
    job: Job, attempt: Attempt | None, folder: str, place: tuple[str, str] = ("", "")
) -> Iterator[Detail]:
    """Return what the job is, line by line; `place` names its organisation and team."""
    org, team = place
    if org:
        yield Detail("Submitted for", team or org, org if team else "")
    provider = registries.providers().get(job.provider)
    yield Detail(
        "Provider", provider.title if provider else "not enabled", job.provider, more_mono=True
    )
    devices = job.devices or (attempt.devices if attempt else [])
    on = f"({', '.join(devices)})" if devices else ""
    times = f" × {job.gpu_count}" if job.gpu_count > 1 else ""
    yield Detail("Hardware", f"{job.hardware or 'as the provider gives'}{times}", on, mono=True)
    yield Detail("Trainer", short_title(job.trainer))
    yield Detail(
        "Priority",
        f"{jobs.priority_name(job.effective_priority).capitalize()}, {job.effective_priority}",
        "set by hand" if job.priority_override is not None else "",
    )
    yield Detail("Time limit", *_time_limit(job, attempt))
    yield Detail(
        "Attempts",
        f"{job.attempt} of {job.max_attempts}"
        if job.attempt
        else f"none yet, at most {job.max_attempts}",
    )
    if job.start_from_job_id:
        name = (job.start_from_checkpoint or "").rsplit("/", 1)[-1]
        yield Detail(
            "Started from",
            f"job {job.start_from_job_id}, {name}".rstrip(", "),
            url=url_for("web.job", job_id=job.start_from_job_id),
        )
    if job.estimate_basis and job.estimated_cost_usd:
        yield Detail(
            "Estimate", formats.money(job.estimated_cost_usd, exact=True), job.estimate_basis
        )
    if job.started_at:
        yield Detail("Workspace", folder, mono=True)


def _time_limit(job: Job, attempt: Attempt | None) -> tuple[str, str]:
    if not job.time_limit_seconds:
        return "none", ""
    limit = formats.duration(job.time_limit_seconds)
    if job.state is not JobState.RUNNING or attempt is None or attempt.started_at is None:
        return limit, ""
    from ...clock import now

    left = job.time_limit_seconds - (now() - attempt.started_at).total_seconds()
    return limit, f"{formats.duration(left)} left"


def attempt_lines(job: Job, attempts: Sequence[Attempt]) -> list[AttemptLine]:
    """Return the attempts, newest first."""
    return [_attempt(job, one) for one in reversed(attempts)]


def _attempt(job: Job, attempt: Attempt) -> AttemptLine:
    goes_on = "starting" if job.state is JobState.STARTING else "running"
    look = OUTCOMES.get(attempt.outcome or goes_on) or OUTCOMES["stopped"]
    began = attempt.started_at or attempt.created_at
    took = formats.duration((attempt.ended_at - began).total_seconds()) if attempt.ended_at else ""
    where = (
        f"From {attempt.resume_from.rsplit('/', 1)[-1]}"
        if attempt.resume_from
        else "From the beginning"
    )
    on = f", {', '.join(attempt.devices)}" if attempt.devices else ""
    said = first_line(attempt.message) if attempt.ended_at else ""
    return AttemptLine(
        attempt.number, look, took, began, f"{where}{on}.{' ' + said if said else ''}"
    )


def change(job: Job, previous: Job | None) -> Change | None:
    """Return how the job's config differs from the previous run's, None when there is none."""
    if previous is None:
        return None
    diff = diffs.compare(previous.config, job.config)
    what = f"{formats.plural(diff.changed, 'change')} since" if diff.changed else "no change since"
    by = (
        "the last completed job of this config"
        if previous.state is JobState.COMPLETED
        else "the last job of this config"
    )
    return Change(f"Config: {what} job {previous.id}", by, diff.lines, diff.changed)


@dataclass(frozen=True)
class EventLine:
    """One fact about the job."""

    number: int
    at: datetime
    name: str
    summary: str
    actor: str
    door: str
    message: str


def event_lines(found: Sequence[Event]) -> list[EventLine]:
    """Return the journal's events about the job as a table shows them."""
    kinds = current_app.extensions["st"].event_types
    return [
        EventLine(
            e.id,
            e.created_at,
            e.name,
            kinds[e.name].summary if e.name in kinds else e.name,
            e.actor_name,
            e.door,
            e.message,
        )
        for e in found
    ]
