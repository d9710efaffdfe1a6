"""Sample pictures of a job: rows are steps with the newest first, columns what was asked for.

With one picture per step they stand side by side instead, the oldest first, so that one sees it learn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...contracts import Artifact

STEP = re.compile(r"step[-_]?(\d+)|(?:^|[/_-])(\d+)(?=[._-]|$)")
MOST_COLUMNS = 6


@dataclass(frozen=True)
class Sample:
    """One picture: where it is and what it shows."""

    url: str
    alt: str


@dataclass(frozen=True)
class SampleRow:
    """The pictures of one step; a column that has none at this step is None."""

    word: str
    at: datetime
    samples: tuple[Sample | None, ...]


@dataclass(frozen=True)
class Grid:
    """What the page lays out; a strip has one picture per row and shows the rows side by side."""

    rows: tuple[SampleRow, ...]
    columns: int
    heads: tuple[str, ...]
    total: int
    is_strip: bool
    note: str = ""


def grid(
    pictures: Sequence[Artifact], url: Callable[[str], str], most_rows: int | None = None
) -> Grid:
    """Return the pictures as a grid; with `most_rows` only the newest (and of a strip, evenly spread) ones."""
    by_step: dict[int | None, list[Artifact]] = {}
    for picture in pictures:
        by_step.setdefault(step_of(picture.path), []).append(picture)
    columns = min(max((len(group) for group in by_step.values()), default=0), MOST_COLUMNS)
    is_strip = columns == 1
    steps = sorted(by_step, key=lambda step: -1 if step is None else step)
    if most_rows and len(steps) > most_rows:
        steps = _spread(steps, most_rows) if is_strip else steps[-most_rows:]
    if not is_strip:
        steps.reverse()
    rows = tuple(
        _row(step, sorted(by_step[step], key=lambda one: one.path), columns, url) for step in steps
    )
    heads = tuple(f"sample {n}" for n in range(1, columns + 1))
    return Grid(
        rows, min(len(rows), MOST_COLUMNS) if is_strip else columns, heads, len(pictures), is_strip
    )


def step_of(path: str) -> int | None:
    """Return the step a sample's path names, None when it names none."""
    found = next(STEP.finditer(path), None)
    return int(found[1] or found[2]) if found else None


def _row(
    step: int | None, group: Sequence[Artifact], columns: int, url: Callable[[str], str]
) -> SampleRow:
    word = "samples" if step is None else f"step {step:,}"
    shown: list[Sample | None] = [
        Sample(url(one.path), f"Sample {n} at {word}" if columns > 1 else f"Sample at {word}")
        for n, one in enumerate(group[:columns], 1)
    ]
    shown += [None] * (columns - len(shown))
    return SampleRow(word, max(one.modified_at for one in group), tuple(shown))


def _spread(steps: list[int | None], most: int) -> list[int | None]:
    """Return `most` of `steps`, the first and the last among them."""
    last = len(steps) - 1
    return [steps[round(n * last / (most - 1))] for n in range(most)]
