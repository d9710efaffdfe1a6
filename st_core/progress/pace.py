"""The pace of a run, from which the remaining time follows when the trainer does not tell it."""

from __future__ import annotations

from collections import deque

_SAMPLES = 64
_WINDOW_SECONDS = 300.0


class Pace:
    """Remembers when which step was reached, over the last five minutes of the run's own time."""

    def __init__(self) -> None:
        self._reached: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)

    def note(self, at_seconds: float, step: int) -> None:
        """Note that `step` was reached; a step or a time going backwards starts anew."""
        if self._reached and (self._reached[-1][1] > step or self._reached[-1][0] > at_seconds):
            self._reached.clear()
        if not self._reached or self._reached[-1][1] < step:
            self._reached.append((at_seconds, step))
        while self._reached[-1][0] - self._reached[0][0] > _WINDOW_SECONDS:
            if len(self._reached) <= 2:  # slow steps: two points are a pace, whatever their age
                return
            self._reached.popleft()

    def seconds_until(self, total: int) -> float | None:
        """Return the time left to `total` at the present pace; None while no pace is known."""
        if len(self._reached) < 2:
            return None
        (began, first), (last, step) = self._reached[0], self._reached[-1]
        if last <= began:
            return None
        return max(0, total - step) * (last - began) / (step - first)
