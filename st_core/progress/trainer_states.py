"""`trainer_state.json` of Hugging Face's Trainer: the history, saved with every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

from .event_lines import json_object
from .numbers import metrics_of, number, whole
from .readings import Reading

_NOT_METRICS = frozenset({"epoch", "step", "total_flos", "train_loss"})


def parse_trainer_state(text: str) -> list[Reading]:
    """Return one reading per entry of the history, then the state's own step and total."""
    state = json_object(text)
    if state is None:
        return []
    history = state.get("log_history")
    entries = [entry for entry in history or () if isinstance(entry, Mapping)]
    readings = [
        Reading(
            step=whole(entry.get("step")),
            epoch=number(entry.get("epoch")),
            metrics=metrics_of(entry, skip=_NOT_METRICS),
        )
        for entry in entries
        if "train_runtime" not in entry
    ]
    now = Reading(
        step=whole(state.get("global_step")),
        total=whole(state.get("max_steps")) or None,
        epoch=number(state.get("epoch")),
        epochs=number(state.get("num_train_epochs")),
    )
    return [*readings, now]
