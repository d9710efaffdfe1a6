"""Configs that every fresh server holds, so that a newcomer has something to start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: name → config; keys that are left out have their defaults.
SAMPLE_CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "digits": {
        "data": "digits",
        "steps": 1000,
        "batch_size": 128,
        "learning_rate": 0.003,
        "guidance": 2.0,
        "checkpoint_every": 250,
        "seed": 0,
    },
}
