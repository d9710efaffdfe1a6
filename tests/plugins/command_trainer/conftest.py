"""A profile around the toy script, as an admin would declare it."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "toy_trainer.py"

TOY: dict[str, Any] = {
    "title": "Toy",
    "program": sys.executable,
    "variables": {"script": str(SCRIPT)},
    "arguments": [
        "{script}",
        "--config={config_file}",
        "--output_dir={output_dir}",
        {"when": "fp16", "add": ["--fp16"]},
        {"when": "note", "add": ["--note", "{note}"]},
    ],
    "parameters": {
        "steps": {
            "type": "int",
            "required": True,
            "minimum": 1,
            "maximum": 10_000,
            "help": "Length.",
        },
        "learning_rate": {"type": "float", "default": 0.1, "minimum": 0, "help": "Step size."},
        "mode": {"type": "choice", "choices": ["fast", "good"], "default": "good", "help": "How."},
        "fp16": {"type": "bool", "help": "Half precision."},
        "note": {"type": "str", "max_length": 40, "help": "A word that is printed."},
        "prompt": {"type": "text", "help": "What to draw."},
        "data": {"type": "path", "help": "Folder of data."},
        "pause": {"type": "float", "minimum": 0, "maximum": 1, "unit": "seconds", "help": "Slow."},
        "crash_at": {"type": "int", "permission": "trainer.run_code", "help": "Fail there."},
    },
    "config_file": {
        "path": "toy.json",
        "format": "json",
        "values": {
            "steps": "{steps}",
            "learning_rate": "{learning_rate}",
            "pause": "{pause}",
            "crash_at": "{crash_at}",
            "save_steps": 20,
        },
    },
    "environment": {"TOY_MODE": "{mode}"},
    "gpus": 0,
    "steps": "steps",
    "checkpoints": {"pattern": "output/checkpoint-*", "marker": "trainer_state.json"},
    "resume": {"arguments": ["--resume={checkpoint}"]},
    "soft_stop": [
        {"signal": "SIGINT"},
        {"wait_for": "output/checkpoint-*/trainer_state.json", "seconds": 20},
    ],
    "completion": {"file": "output/final.json"},
}


@pytest.fixture
def toy() -> dict[str, Any]:
    """The profile, to be changed by a test."""
    return copy.deepcopy(TOY)
