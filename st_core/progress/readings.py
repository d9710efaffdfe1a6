"""The words of progress.

A *reading* is what one line of a source tells; *progress* is how an attempt stands. A *source* is
a file in the workspace and the parser for its lines. Sources are the only truth about metrics:
nothing is copied, so nothing is lost or doubled when the server dies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


class Phase(StrEnum):
    """What a provider knows about an attempt."""

    STARTING = "starting"  # accepted, not running yet
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"  # ended because we asked
    LOST = "lost"  # ended without a word: the machine rebooted, or the supervisor was killed

    @property
    def is_final(self) -> bool:
        """Tell whether the attempt has ended."""
        return self not in (Phase.STARTING, Phase.RUNNING)


@dataclass(frozen=True)
class Reading:
    """What one line tells. Every field may be absent.

    `metrics` maps names (`loss`, `learning_rate`, …) to numbers at `step`; `stage` is a phrase such
    as "loading the base model". `event` is started, resumed (at `step`: later points of the curve
    are from before and void), checkpoint, sample, completed, failed or stopped; checkpoint and
    sample have a `path` (absolute, or relative to the workspace), failed and stopped a `message`.
    """

    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    epochs: float | None = None
    eta_seconds: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    stage: str | None = None
    event: str | None = None
    path: str | None = None
    message: str | None = None
    at: float | None = None  # seconds since the epoch, as the trainer says


@dataclass(frozen=True)
class News:
    """What a follower found since last asked; `restarted` voids everything it told before."""

    readings: Iterable[Reading]
    restarted: bool = False


class Follower(Protocol):
    """Follows one source and remembers how far it has read."""

    def news(self) -> News:
        """Return what is new; the readings are taken before the next call."""


@dataclass(frozen=True)
class Source:
    """A file of progress: `path` is relative to the workspace.

    `parse` turns one line (without its end) into a reading or None. `splits_on_cr` also ends a line
    at a carriage return, as progress bars do. A file that is not made of lines has `follow`
    instead: called with the absolute path, it returns what reads it.
    """

    path: str
    parse: Callable[[str], Reading | None] | None = None
    splits_on_cr: bool = False
    follow: Callable[[Path], Follower] | None = None


@dataclass(frozen=True)
class Progress:
    """How an attempt stands, as its provider's `poll` answers.

    `resumable` tells whether a failed or lost attempt is worth another (a crash is, a config error
    is not). `cost_usd` is a decimal string when the provider reports one. `usage` holds resource
    figures by name.
    """

    phase: Phase
    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    eta_seconds: float | None = None
    stage: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    resumable: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    cost_usd: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
