"""Reads all sources of one workspace together: how the run stands, and its curves.

The first source is the most trusted: where two tell the same thing, the earlier in the list counts,
for each metric and each figure by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .curves import Point, thinned
from .readings import Source
from .tracks import Track


@dataclass(frozen=True)
class Standing:
    """How a run stands according to its own files; what nobody told is None.

    `message` is the trainer's sentence when it `failed` or `stopped`. `stage` is None while it
    simply trains. `at` is the trainer's own time of the newest step, in seconds since the epoch.
    """

    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    epochs: float | None = None
    eta_seconds: float | None = None
    stage: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str | None = None
    completed: bool = False
    failed: bool = False
    stopped: bool = False
    at: float | None = None


class Reader:
    """Follows the sources of one workspace from call to call; may be shared between threads."""

    def __init__(self, workspace: Path, sources: Sequence[Source]) -> None:
        self._tracks = [Track(workspace, source) for source in sources]
        self._lock = threading.Lock()
        self._latest = Standing()

    def advance(self) -> None:
        """Read everything that was written since the last call."""
        with self._lock:
            before = self._latest.step
            heard = [track.advance() for track in self._tracks]
            if any(heard):
                self._end_stages(before, heard)
                self._latest = self._standing()

    @property
    def latest(self) -> Standing:
        """How the run stood at the last `advance`."""
        return self._latest

    @property
    def names(self) -> list[str]:
        """The metrics that have a curve, in alphabetical order."""
        with self._lock:
            return sorted({name for track in self._tracks for name in track.curves})

    def series(
        self, names: Iterable[str] | None = None, max_points: int = 500
    ) -> dict[str, list[Point]]:
        """Return the curves of `names` (all without it) as (step, value), thinned to `max_points`.

        A metric without any point is left out.
        """
        wanted = self.names if names is None else list(names)
        with self._lock:
            found = {name: self._points(name) for name in wanted}
        return {name: thinned(points, max_points) for name, points in found.items() if points}

    def _points(self, name: str) -> list[Point]:
        curves = (track.curves.get(name) for track in self._tracks)
        return next((curve.points() for curve in curves if curve), [])

    def _end_stages(self, before: int | None, heard: Sequence[bool]) -> None:
        """Forget a stage that was announced earlier, if another source moved on since."""
        step = self._first("step")
        if step is None or step == before:
            return
        for track, spoke in zip(self._tracks, heard, strict=True):
            if not spoke:
                track.stage = None

    def _first(self, name: str) -> Any:
        values = (getattr(track, name) for track in self._tracks)
        return next((value for value in values if value is not None), None)

    def _standing(self) -> Standing:
        ended = {track.ended for track in self._tracks} - {None}
        metrics: dict[str, float] = {}
        for track in reversed(self._tracks):
            metrics.update(track.metrics)
        return Standing(
            step=self._first("step"),
            total=self._first("total"),
            epoch=self._first("epoch"),
            epochs=self._first("epochs"),
            eta_seconds=None if ended else self._eta_seconds(),
            stage=None if ended else self._first("stage"),
            metrics=metrics,
            message=self._first("message"),
            completed="completed" in ended,
            failed="failed" in ended and "completed" not in ended,
            stopped="stopped" in ended and "completed" not in ended,
            at=self._first("at"),
        )

    def _eta_seconds(self) -> float | None:
        """Return the trainer's own estimate of the time left, or ours from its recent pace."""
        told, total = self._first("eta_seconds"), self._first("total")
        if told is not None or not total:
            return told
        paces = (track.pace.seconds_until(total) for track in self._tracks)
        return next((seconds for seconds in paces if seconds is not None), None)
