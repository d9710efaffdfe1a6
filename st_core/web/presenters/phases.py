"""Where the time of a job goes: one strip of waiting, approval, attempts and what is still
expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...clock import now
from ...models import Attempt, Job, JobState
from .. import formats
from .standing import Standing

LEAST_PERCENT = 0.6
GAP_PERCENT = 0.2
BRIEF_SECONDS = 1.0


@dataclass(frozen=True)
class Part:
    """One stretch of the strip, in percent of its whole length; `old` ones are paler."""

    word: str
    when: str
    start: datetime
    end: datetime
    ink: str
    x: str
    width: str
    old: bool = False

    @property
    def until_only(self) -> bool:
        """Tell whether only its end says something: what is still expected."""
        return self.ink == "rest"

    @property
    def at_only(self) -> bool:
        """Tell whether it begins and ends in the same minute, as clocks show it."""
        return (self.end - self.start).total_seconds() < 60


@dataclass(frozen=True)
class Phases:
    """The strip; `goes_on` while the job has not ended. `summary` says it in words."""

    parts: tuple[Part, ...]
    summary: str
    goes_on: bool


@dataclass(frozen=True)
class _Span:
    ink: str
    word: str
    start: datetime
    end: datetime
    old: bool = False
    when: str = ""

    @property
    def seconds(self) -> float:
        return max((self.end - self.start).total_seconds(), 0.0)


def phases(job: Job, attempts: Sequence[Attempt], at: Standing) -> Phases:
    """Return the strip of a job; empty before anything took a second."""
    spans = [
        span
        for span in _spans(job, attempts, at)
        if span.seconds >= BRIEF_SECONDS or span.ink == "bad"
    ]
    whole = sum(span.seconds for span in spans)
    if whole < BRIEF_SECONDS:
        return Phases((), "", goes_on=not job.state.is_final)
    shares = [max(100 * span.seconds / whole, LEAST_PERCENT) for span in spans]
    scale = (100 - GAP_PERCENT * (len(spans) - 1)) / sum(shares)
    parts, x = [], 0.0
    for span, share in zip(spans, shares, strict=True):
        width = share * scale
        parts.append(
            Part(
                span.word,
                span.when,
                span.start,
                span.end,
                span.ink,
                f"{x:.1f}",
                f"{width:.1f}",
                span.old,
            )
        )
        x += width + GAP_PERCENT
    return Phases(
        tuple(parts), ", ".join(span.word for span in spans), goes_on=not job.state.is_final
    )


def _spans(job: Job, attempts: Sequence[Attempt], at: Standing) -> Iterator[_Span]:
    end = job.completed_at or now()
    queued_at = job.queued_at or (end if job.state is JobState.PENDING_APPROVAL else job.created_at)
    if job.requires_approval:
        seconds = (queued_at - job.created_at).total_seconds()
        yield _Span(
            "ask", f"Needed approval, {formats.duration(seconds)}", job.created_at, queued_at
        )
    waited_from = queued_at
    for attempt in attempts:
        started = attempt.started_at or attempt.created_at
        yield _waited(waited_from, started, again=attempt.number > 1)
        ended = attempt.ended_at or end
        yield _ran(attempt, started, ended, newest=attempt is attempts[-1])
        if attempt.outcome in ("failed", "lost"):
            yield _Span(
                "bad",
                f"Attempt {attempt.number} {attempt.outcome}",
                ended,
                ended,
            )
        waited_from = ended
    if job.state is JobState.QUEUED:
        yield _waited(waited_from, end, again=bool(attempts))
    if job.state is JobState.RUNNING and at.eta_seconds:
        until = end + timedelta(seconds=at.eta_seconds)
        yield _Span("rest", "Expected", end, until)


def _waited(start: datetime, end: datetime, *, again: bool) -> _Span:
    seconds = max((end - start).total_seconds(), 0.0)
    word = "Queued again" if again else "Queued"
    return _Span("wait", f"{word}, {formats.duration(seconds)}", start, end)


def _ran(attempt: Attempt, start: datetime, end: datetime, *, newest: bool) -> _Span:
    seconds = max((end - start).total_seconds(), 0.0)
    so_far = "" if attempt.ended_at else " so far"
    from_ = (
        f"from {attempt.resume_from.rsplit('/', 1)[-1]}"
        if attempt.resume_from
        else "from the beginning"
    )
    word = f"Attempt {attempt.number}, {formats.duration(seconds)}{so_far}"
    return _Span("run", word, start, end, old=not newest, when=from_)
