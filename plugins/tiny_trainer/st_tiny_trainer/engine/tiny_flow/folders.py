"""Where a run keeps its files, and which checkpoint folders are complete. Standard library only:
the server reads with the same eyes as the trainer.

A *checkpoint* is `checkpoints/checkpoint-N/` whose `training_state.json` names every file with its
size.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = "trainer_config.json"
EVENTS = "metrics.jsonl"
CONTROL = "control"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples"
FINAL_SAMPLES = "samples/final"
STATE_FILE = "training_state.json"

_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Found:
    """A complete checkpoint: its folder, its step, its state and the size of all its files."""

    folder: Path
    step: int
    state: dict[str, Any]
    size_bytes: int


def complete(folder: Path) -> Found | None:
    """Return the checkpoint in `folder`, or None when it is partial, cut short or none at all."""
    try:
        text = (folder / STATE_FILE).read_bytes()
        state = json.loads(text)
        sizes = {str(name): int(size) for name, size in state["files"].items()}
        whole = all((folder / name).stat().st_size == size for name, size in sizes.items())
        step = int(state["step"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Found(folder, step, state, sum(sizes.values()) + len(text)) if whole else None


def checkpoints(workspace: Path) -> list[Found]:
    """Return the complete checkpoints of a run, oldest first."""
    try:
        folders = list((workspace / CHECKPOINTS).iterdir())
    except OSError:
        return []
    named = [folder for folder in folders if _NAME.fullmatch(folder.name)]
    found = [one for folder in named if (one := complete(folder)) is not None]
    return sorted(found, key=lambda one: one.step)


def lookup(path: Path) -> Found | None:
    """Return the checkpoint that `path` means: a checkpoint folder, or a workspace's newest one."""
    if (found := complete(path)) is not None:
        return found
    return next(iter(reversed(checkpoints(path))), None)
