"""What a run can be told: the keys, their defaults and their bounds. The server's form says the
same (a test compares them); here nothing but the standard library is needed.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

#: The value of `data` that means the pictures shipped with this program.
DIGITS = "digits"


class BadConfig(Exception):
    """The run cannot start as told; the text says what is wrong and what to do. Exit code 2."""


@dataclass(frozen=True)
class Config:
    """One run, complete. Units and meaning: README of the plugin."""

    data: str = DIGITS
    resolution: int = 32
    caption_dropout: float = 0.1
    steps: int = 1000
    batch_size: int = 128
    learning_rate: float = 0.003
    warmup_steps: int = 50
    ema_decay: float = 0.99
    max_grad_norm: float = 1.0
    seed: int = 0
    width: int = 256
    blocks: int = 3
    sample_every: int = 0
    sample_rows: int = 4
    sample_steps: int = 20
    guidance: float = 2.0
    final_samples: int = 200
    checkpoint_every: int = 250
    keep_checkpoints: int = 3
    report_every: int = 1
    log_every: int = 50

    def as_dict(self) -> dict[str, Any]:
        """Return the keys and values, ready for JSON."""
        return asdict(self)


#: key → least and greatest value, both allowed.
BOUNDS: dict[str, tuple[float, float]] = {
    "resolution": (8, 64),
    "caption_dropout": (0, 0.9),
    "steps": (1, 1_000_000),
    "batch_size": (1, 1024),
    "learning_rate": (1e-6, 1),
    "warmup_steps": (0, 10_000),
    "ema_decay": (0, 0.9999),
    "max_grad_norm": (0, 1000),
    "seed": (0, 2**32 - 1),
    "width": (8, 1024),
    "blocks": (1, 12),
    "sample_every": (0, 1_000_000),
    "sample_rows": (1, 16),
    "sample_steps": (1, 200),
    "guidance": (0, 20),
    "final_samples": (0, 2000),
    "checkpoint_every": (0, 1_000_000),
    "keep_checkpoints": (1, 100),
    "report_every": (1, 10_000),
    "log_every": (1, 100_000),
}


def read(path: Path) -> Config:
    """Return the run that the JSON file at `path` describes.

    Raises BadConfig with every problem when the file is unreadable or a key is unknown, mistyped or
    out of bounds.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfig(f"the config file {path} cannot be read: {error}") from error
    if not isinstance(told, dict):
        raise BadConfig(
            f"the config file {path} must hold one JSON object, not a {type(told).__name__}"
        )
    if problems := check(told):
        raise BadConfig("; ".join(problems))
    defaults = Config().as_dict()
    return Config(**{key: type(defaults[key])(value) for key, value in told.items()})


def check(told: dict[str, Any]) -> list[str]:
    """Return what is wrong with the keys and values of `told`, one sentence each."""
    defaults = Config().as_dict()
    return [
        problem
        for key, value in told.items()
        if (problem := _check_key(key, value, defaults)) is not None
    ]


def _check_key(key: str, value: Any, defaults: dict[str, Any]) -> str | None:
    if key not in defaults:
        close = get_close_matches(key, defaults, n=1)
        return f"unknown key {key!r}" + (f", did you mean {close[0]!r}?" if close else "")
    if isinstance(defaults[key], str):
        return None if isinstance(value, str) else f"{key}: {value!r} is not a text"
    whole = isinstance(defaults[key], int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return f"{key}: {value!r} is not a {'whole ' if whole else ''}number"
    low, high = BOUNDS[key]
    if not (math.isfinite(value) and low <= value <= high):
        return f"{key}: {value} is not between {low:g} and {high:g}"
    return None
