"""The rounds in which a run draws samples: when they are due, and what each writes.

Every round begins from the same noise, so the pictures of a run can be compared; round 0 shows that
noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import pictures
from .config import Config
from .data import Dataset
from .flow import draw_pictures
from .folders import FINAL_SAMPLES, SAMPLES
from .judge import judge
from .layers import Array, Labels
from .randomness import generator
from .state import State

SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)


def due(config: Config, step: int) -> bool:
    """Tell whether a round belongs to `step`: each `sample_every`, or at SHARES when that is 0."""
    if step in (0, config.steps):
        return True
    if config.sample_every:
        return step % config.sample_every == 0
    return step in {round(share * config.steps) for share in SHARES}


def grid_path(step: int) -> str:
    """Return where the grid of `step` is written, relative to the run's folder."""
    return f"{SAMPLES}/step-{step:06d}.png"


@dataclass(frozen=True)
class Round:
    """What a round needs. `between` is called again and again and may raise to end the round."""

    config: Config
    dataset: Dataset
    state: State
    out: Path
    between: Callable[[], None]

    def draw_grid(self) -> dict[str, Any]:
        """Write one picture with a column per class; return what the sample event says."""
        columns = min(pictures.COLUMNS_AT_MOST, len(self.dataset.captions))
        labels = np.tile(np.arange(columns, dtype=np.int64), self.config.sample_rows)
        noise = self._noise("sample", len(labels))
        step, path = self.state.step, grid_path(self.state.step)
        flat = np.clip(noise / 2, -1, 1) if step == 0 else self._drawn(noise, labels)
        about = {"step": step, "columns": list(self.dataset.captions[:columns])}
        sheet = pictures.grid(pictures.enlarge(flat, self.dataset.sides), columns)
        pictures.write_png(self.out / path, sheet, about)
        return {"path": path, **about}

    def draw_final(self) -> dict[str, Any]:
        """Write single pictures, named after the class that was asked for, and judge them.

        `final_samples` are shared out evenly among the classes, at least one each.
        """
        captions, wanted = self.dataset.captions, self.config.final_samples
        each = max(1, wanted // len(captions))
        names = pictures.file_names(captions)[:wanted]
        labels = np.repeat(np.arange(len(names), dtype=np.int64), each)
        flat = self._drawn(self._noise("final", len(labels)), labels)
        for number, picture in enumerate(pictures.enlarge(flat, self.dataset.sides)):
            label = int(labels[number])
            path = self.out / FINAL_SAMPLES / f"{names[label]}-{number % each:02d}.png"
            pictures.write_png(path, picture, {"caption": captions[label]})
        metrics = judge(self.dataset, flat, labels)
        return {"folder": FINAL_SAMPLES, "pictures": len(labels), "metrics": metrics}

    def _drawn(self, noise: Array, labels: Labels) -> Array:
        steps, guidance = self.config.sample_steps, self.config.guidance
        network = self.state.averaged
        return draw_pictures(network, noise, labels, steps, guidance, self.between)

    def _noise(self, stream: str, count: int) -> Array:
        shape = (count, self.dataset.pixels.shape[1])
        return generator(self.config.seed, stream).standard_normal(shape, dtype=np.float32)
