"""The hardware of a submission that names none, and how many GPUs it wants: as its trainer says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contracts import Problem, Provider, Trainer
from ..errors import StError

#: A launch is only data; asked for its number of GPUs it needs no workspace that exists.
NOWHERE = Path("/nonexistent/workspace")


#: What a trainer said of a config: the config with defaults filled in, and its problems.
Checked = tuple[Mapping[str, Any], Sequence[Problem]]


def choose(
    provider: Provider,
    trainer: Trainer,
    checked: Checked,
    hardware: str | None,
    gpu_count: int | None,
) -> tuple[str | None, int]:
    """Return (hardware, number of GPUs), with what the submitter named left as it is.

    Without a name it is the first kind that is offered with GPUs, or without, as the trainer wants.
    """
    count = wanted(trainer, *checked) if gpu_count is None else gpu_count
    if hardware:
        return hardware, count
    offered = list(provider.hardware())
    fitting = [kind for kind in offered if (kind.memory_bytes is not None) == (count > 0)]
    ready = [kind for kind in fitting if kind.available]
    return next((kind.id for kind in [*ready, *fitting, *offered]), None), count


def wanted(trainer: Trainer, filled: Mapping[str, Any], problems: Sequence[Problem]) -> int:
    """Return how many GPUs the trainer wants for a config; 0 for one that it cannot run at all."""
    if problems:
        return 0  # the gate says what is wrong with it
    try:
        return trainer.launch(filled, NOWHERE).gpus
    except StError:
        return 0
