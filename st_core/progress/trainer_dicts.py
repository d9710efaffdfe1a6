"""Lines that Hugging Face's Trainer prints: `{'loss': 4.17, 'grad_norm': 1.1, 'epoch': 0.25}`.

Version 4 writes numbers, version 5 strings. The lines carry no step: it is that of the bar.
"""

from __future__ import annotations

import ast
import re

from .numbers import metrics_of, number, whole
from .readings import Reading

_DICT = re.compile(r"(?:^|\])\s*(\{'[^{}]{1,4000}\})\s*$")  # alone, or behind a bar
_NOT_A_NUMBER = re.compile(r"(?<=: )-?(?:nan|inf)(?=[,}])")
_SUMMARY = "train_runtime"  # the last line of a run: averages over it, not points of a curve
_NOT_METRICS = frozenset(
    {"epoch", "step", "total_flos"}
    | {
        f"eval_{name}"
        for name in ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")
    }
)


def parse_trainer_dict(line: str) -> Reading | None:
    """Return the metrics of a dict line, which may stand behind a bar; None when there is none."""
    found = _DICT.search(line)
    if found is None:
        return None
    try:
        values = ast.literal_eval(_NOT_A_NUMBER.sub("None", found[1]))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(values, dict) or not any("loss" in key or key == "epoch" for key in values):
        return None
    epoch = number(values.get("epoch"))
    if _SUMMARY in values:
        return Reading(epoch=epoch)
    metrics = metrics_of(values, skip=_NOT_METRICS)
    step = whole(values.get("step"))
    return Reading(step=step, epoch=epoch, metrics=metrics) if metrics else None
