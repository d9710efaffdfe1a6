"""Sample pictures of a job: rows are steps with the newest first, columns what was asked for.

With one picture per step they stand side by side instead, the oldest first, so that one sees it
learn (a *strip*). Pictures that name no step come after, small, in a *gallery*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from ...contracts import Artifact

Item = TypeVar("Item")
STEP = re.compile(r"step[-_]?(\d+)")
MOST_COLUMNS = 6
MOST_IN_GALLERY = 60
#: Smaller pictures are shown with hard edges: they are drawn pixel by pixel.
PIXEL_ART = 200


@dataclass(frozen=True)
class Sample:
    """One picture: where it is, what it shows, how large it is (0 when it cannot be read)."""

    url: str
    alt: str
    width: int
    height: int

    @property
    def is_small(self) -> bool:
        """Tell whether it is shown larger than it is."""
        return 0 < self.width < PIXEL_ART


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
    gallery: tuple[Sample, ...]
    total: int
    is_strip: bool
    gallery_rest: int = 0


@dataclass(frozen=True)
class _Source:
    """Where pictures lie, and how one is named in a URL."""

    folder: Path
    url: Callable[[str], str]

    def sample(self, picture: Artifact, alt: str) -> Sample:
        width, height = _size(self.folder / picture.path)
        return Sample(self.url(picture.path), alt, width, height)


def grid(
    pictures: Sequence[Artifact], folder: Path, url: Callable[[str], str], *, brief: bool = False
) -> Grid:
    """Return the pictures laid out; a brief grid holds the newest rows (of a strip, evenly spread
    ones) and no gallery.
    """
    source = _Source(folder, url)
    by_step: dict[int, list[Artifact]] = {}
    single = []
    for picture in pictures:
        step = step_of(picture.path)
        by_step.setdefault(step, []).append(picture) if step is not None else single.append(picture)
    columns = min(max((len(group) for group in by_step.values()), default=0), MOST_COLUMNS)
    is_strip = columns == 1
    steps = sorted(by_step)
    if brief:
        steps = _spread(steps, MOST_COLUMNS) if is_strip else steps[-4:]
    if not is_strip:
        steps.reverse()
    rows = [_row(step, sorted(by_step[step], key=_path), columns, source) for step in steps]
    shown = [] if brief and rows else _spread(single, MOST_IN_GALLERY)
    return Grid(
        rows=tuple(rows),
        columns=min(len(rows), MOST_COLUMNS) if is_strip else columns,
        heads=tuple(f"sample {n}" for n in range(1, columns + 1)),
        gallery=tuple(source.sample(one, Path(one.path).stem) for one in shown),
        total=len(pictures),
        is_strip=is_strip,
        gallery_rest=len(single) - len(shown),
    )


def step_of(path: str) -> int | None:
    """Return the step a sample's path names, None when it names none."""
    found = STEP.search(path)
    return int(found[1]) if found else None


def _path(picture: Artifact) -> str:
    return picture.path


def _row(step: int, group: Sequence[Artifact], columns: int, source: _Source) -> SampleRow:
    word = f"step {step:,}"
    shown: list[Sample | None] = [
        source.sample(one, f"Sample {n} at {word}" if columns > 1 else f"Sample at {word}")
        for n, one in enumerate(group[:columns], 1)
    ]
    shown += [None] * (columns - len(shown))
    return SampleRow(word, max(one.modified_at for one in group), tuple(shown))


def _spread(items: list[Item], most: int) -> list[Item]:
    """Return at most `most` of `items`, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return items
    last = len(items) - 1
    return [items[round(n * last / (most - 1))] for n in range(most)]


def _size(path: Path) -> tuple[int, int]:
    """Return width and height from a picture's head, zeros when it cannot be read yet."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return 0, 0
