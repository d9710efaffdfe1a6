"""A *track*: all that one source has told so far, in order."""

from __future__ import annotations

import time
from pathlib import Path

from .curves import Curve
from .line_files import LineFollower
from .pace import Pace
from .readings import Follower, Reading, Source

MAX_METRICS = 256  # a trainer that invents names for ever must not fill the memory


class Track:
    """Follows one source; the newest word of each kind, and a curve per metric."""

    def __init__(self, workspace: Path, source: Source) -> None:
        self._follower = _follower(workspace, source)
        self._forget()

    def _forget(self) -> None:
        self.step: int | None = None
        self.total: int | None = None
        self.epoch: float | None = None
        self.epochs: float | None = None
        self.eta_seconds: float | None = None
        self.stage: str | None = None
        self.message: str | None = None
        self.ended: str | None = None
        self.at: float | None = None
        self.metrics: dict[str, float] = {}
        self.curves: dict[str, Curve] = {}
        self.pace = Pace()

    def advance(self) -> bool:
        """Read what is new and tell whether there was anything."""
        news = self._follower.news()
        if news.restarted:
            self._forget()
        heard, before = False, self.step
        for reading in news.readings:
            heard = True
            self._take(reading)
        if self.at is None and self.step is not None and self.step != before:
            self.pace.note(time.monotonic(), self.step)
        return heard

    def _take(self, reading: Reading) -> None:
        self._note_event(reading)
        self._note_position(reading)
        self._note_metrics(reading)

    def _note_event(self, reading: Reading) -> None:
        if reading.event in ("started", "resumed"):
            self.ended = self.message = self.eta_seconds = None
            self.pace = Pace()
            if reading.event == "resumed" and reading.step is not None:
                self._go_back_to(reading.step)
        elif reading.event in ("completed", "failed", "stopped"):
            self.ended, self.message, self.stage = reading.event, reading.message, None

    def _note_position(self, reading: Reading) -> None:
        """Take over where the run stands; only progress itself can tell that it went back."""
        progress = reading.event is None and reading.step is not None
        if progress and self.step is not None and reading.step < self.step:  # type: ignore[operator]
            self._go_back_to(reading.step - 1)  # type: ignore[operator]
        if reading.step is not None:
            self.step = reading.step if progress else max(self.step or 0, reading.step)
        for name in ("total", "epoch", "epochs", "eta_seconds", "at"):
            value = getattr(reading, name)
            if value is not None:
                setattr(self, name, value)
        if reading.stage is not None:
            self.stage = reading.stage
        elif progress:
            self.stage = None
        if progress and reading.at is not None:
            self.pace.note(reading.at, reading.step)  # type: ignore[arg-type]

    def _note_metrics(self, reading: Reading) -> None:
        for name, value in reading.metrics.items():
            if name not in self.metrics and len(self.metrics) >= MAX_METRICS:
                continue
            self.metrics[name] = value
            if reading.step is not None:
                self.curves.setdefault(name, Curve()).add(reading.step, value)

    def _go_back_to(self, step: int) -> None:
        self.step = step
        for curve in self.curves.values():
            curve.forget_after(step)


def _follower(workspace: Path, source: Source) -> Follower:
    place = workspace / source.path
    if source.follow is not None:
        return source.follow(place)
    if source.parse is None:
        raise ValueError(
            f"source {source.path!r} has neither `parse` nor `follow`: give one of them"
        )
    return LineFollower(place, source.parse, splits_on_cr=source.splits_on_cr)
