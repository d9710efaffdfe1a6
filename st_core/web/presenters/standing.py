"""How far a job is, in figures and in one sentence: the answer every list and page gives first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ...clock import now
from ...models import Attempt, Job, JobState
from ...progress.reader import Reader
from .. import formats

#: A prediction is an interval: what is left may take this much less or more.
SOONER, LATER = 0.92, 1.12
SHORT_SECONDS = 120
SENTENCE_CHARS = 160


@dataclass(frozen=True)
class Standing:
    """How an attempt stands. `percent` is None while length or step are not known."""

    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    eta_seconds: float | None = None
    stage: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)

    @property
    def percent(self) -> float | None:
        """Return how much of the length is done, 0 to 100."""
        if self.step is None or not self.total:
            return None
        return min(100.0, 100.0 * self.step / self.total)

    @property
    def loss(self) -> float | None:
        """Return the last loss that was told."""
        return self.metrics.get("loss")

    @property
    def remaining(self) -> str:
        """Return "about 37 min left", empty when unknown."""
        return (
            "" if self.eta_seconds is None else f"about {formats.duration(self.eta_seconds)} left"
        )

    @property
    def ends_between(self) -> tuple[datetime, datetime] | None:
        """Return the interval in which it will probably end; None when unknown or too near for
        clock times.
        """
        if self.eta_seconds is None or self.eta_seconds < SHORT_SECONDS:
            return None
        left = timedelta(seconds=self.eta_seconds)
        return now() + SOONER * left, now() + LATER * left


def standing(attempt: Attempt | None, reader: Reader | None = None) -> Standing:
    """Return how `attempt` stands: by its provider's last answer, or by its own files where a
    `reader` has them.
    """
    told: dict[str, Any] = (attempt.progress if attempt else None) or {}
    newest = reader.latest if reader else None
    if newest is not None and newest.step is not None:
        told = {
            **told,
            **{k: v for k, v in vars(newest).items() if v is not None},
            "stage": newest.stage,
        }
    return Standing(
        step=told.get("step"),
        total=told.get("total"),
        epoch=told.get("epoch"),
        eta_seconds=told.get("eta_seconds"),
        stage=told.get("stage"),
        metrics=dict(told.get("metrics") or {}),
        usage=told.get("usage") or {},
    )


def sentence(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    """Say in one sentence how far the job is, or why it is not further. `seconds` is how long it
    has run.
    """
    write = _SENTENCES.get(job.state)
    return write(job, attempt, seconds) if write else ""


def first_line(text: str | None, limit: int = SENTENCE_CHARS) -> str:
    """Return the first line that says something, cut to `limit` characters."""
    lines = (line.strip() for line in (text or "").splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _waits(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    if job.state is JobState.PENDING_APPROVAL:
        return first_line(job.hold_reason) or "Waits for a person to approve it."
    again = f" Attempt {job.attempt} ended; goes on in the next." if job.attempt else ""
    return (first_line(job.hold_reason) or "Waits for its turn.") + again


def _starts(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    on = f" on {', '.join(job.devices)}" if job.devices else ""
    return f"Starts{on}, waiting for the trainer’s first line."


def _runs(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    at = standing(attempt)
    if job.cancel_requested_at:
        return "Was asked to end; saves a checkpoint first."
    if at.percent is not None and not at.stage:
        words = ", ".join(word for word in (formats.percent(at.percent), at.remaining) if word)
    elif at.stage:
        words = at.stage[:1].upper() + at.stage[1:]
    else:
        words = f"Runs since {formats.duration(seconds)}, no step told yet"
    return f"{words}. Attempt {job.attempt} of {job.max_attempts}." if job.attempt > 1 else words


def _completed(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    loss = standing(attempt).loss
    return formats.duration(seconds) + (
        f", last loss {formats.figure(loss)}" if loss is not None else ""
    )


def _failed(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    return first_line(job.error_message) or "The trainer ended without saying why."


def _cancelled(job: Job, attempt: Attempt | None, seconds: float | None) -> str:
    step = standing(attempt).step
    if seconds is None:
        return "Cancelled before it started."
    if step is None:
        return f"Cancelled after {formats.duration(seconds)}."
    return f"Cancelled at step {formats.number(step)} after {formats.duration(seconds)}."


_SENTENCES = {
    JobState.PENDING_APPROVAL: _waits,
    JobState.QUEUED: _waits,
    JobState.STARTING: _starts,
    JobState.RUNNING: _runs,
    JobState.COMPLETED: _completed,
    JobState.FAILED: _failed,
    JobState.CANCELLED: _cancelled,
}
