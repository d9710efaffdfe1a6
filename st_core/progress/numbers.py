"""Numbers as trainers write them: finite, sometimes quoted. Anything else counts as absent.

A *metric name* is ours; an *alias* is what some trainer calls the same thing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: What trainers call it → what we call it. Looked up in lower case.
ALIASES: Mapping[str, str] = {
    "train_loss": "loss",
    "train/loss": "loss",
    "avr_loss": "loss",
    "loss/average": "loss",
    "loss/avr_loss": "loss",
    "step_loss": "loss",
    "training_loss": "loss",
    "lr": "learning_rate",
    "train/learning_rate": "learning_rate",
    "lr/unet": "learning_rate",
    "lr-adamw": "learning_rate",
    "eval/loss": "eval_loss",
    "val_loss": "eval_loss",
    "validation_loss": "eval_loss",
    "gradient_norm": "grad_norm",
    "train/grad_norm": "grad_norm",
}


def number(value: Any) -> float | None:
    """Return `value` (a number, or a string that spells one) as a finite float, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """Return `value` as a whole number of at least 0, else None; `12.0` and `"12"` are whole."""
    found = number(value)
    if found is None or found < 0 or found != int(found):
        return None
    return int(found)


def metrics_of(
    values: Any, aliases: Mapping[str, str] = ALIASES, *, skip: frozenset[str] = frozenset()
) -> dict[str, float]:
    """Return the finite numbers of `values` under our names; names in `skip` are left out.

    Where both a name and an alias of it are given, the name itself wins.
    """
    if not isinstance(values, Mapping):
        return {}
    renamed: dict[str, float] = {}
    named: dict[str, float] = {}
    for key, value in values.items():
        found = number(value)
        if found is None or key in skip:
            continue
        alias = aliases.get(str(key).lower())
        if alias is None or alias == key:
            named[str(key)] = found
        else:
            renamed.setdefault(alias, found)
    return renamed | named
