"""Curves: points of one metric over the steps; a later attempt replaces what it repeats."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

Point = tuple[int, float]
CEILING_POINTS = 50_000  # past it a curve is thinned to half: a page draws some hundreds


class Curve:
    """Points in rising order of step; memory stays below 16 bytes × `CEILING_POINTS`."""

    def __init__(self) -> None:
        self._steps = array("q")
        self._values = array("d")

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, value: float) -> None:
        """Put `value` at `step`; a value that is there already is replaced."""
        if not self._steps or step > self._steps[-1]:
            self._steps.append(step)
            self._values.append(value)
            if len(self) > CEILING_POINTS:
                self._keep(thinned(self.points(), CEILING_POINTS // 2))
            return
        at = bisect_left(self._steps, step)
        if self._steps[at] == step:
            self._values[at] = value
        else:
            self._steps.insert(at, step)
            self._values.insert(at, value)

    def forget_after(self, step: int) -> None:
        """Drop all points later than `step`."""
        at = bisect_right(self._steps, step)
        del self._steps[at:]
        del self._values[at:]

    def points(self) -> list[Point]:
        """Return all points kept."""
        return list(zip(self._steps, self._values, strict=True))

    def last(self) -> float | None:
        """Return the value at the latest step."""
        return self._values[-1] if self._values else None

    def _keep(self, points: Sequence[Point]) -> None:
        self._steps = array("q", (step for step, _ in points))
        self._values = array("d", (value for _, value in points))


def thinned(points: Sequence[Point], max_points: int) -> list[Point]:
    """Return at most `max_points` (at least 4) of `points`: both ends, and each stretch's extremes.

    Spikes stay visible, which is what a loss curve is looked at for.
    """
    if len(points) <= max_points:
        return list(points)
    inner = points[1:-1]
    stretches = max(1, (max(4, max_points) - 2) // 2)
    kept = [points[0]]
    for number in range(stretches):
        stretch = inner[number * len(inner) // stretches : (number + 1) * len(inner) // stretches]
        if stretch:
            low = min(stretch, key=lambda point: point[1])
            high = max(stretch, key=lambda point: point[1])
            kept.extend(sorted({low, high}))
    kept.append(points[-1])
    return kept
