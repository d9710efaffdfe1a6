"""Checks a config and says at which field what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from st_core.contracts import Problem

from . import keys
from .schema import SimpleTunerConfig

_NO_DATA = "names no data: give dataloader_config, or data_backend_config with the path of its file"


def validate(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the config with bare keys and typed values, and every problem at its field.

    No default is filled in: an option that is not there is left to SimpleTuner.
    """
    given, problems = _bare(config)
    try:
        model = SimpleTunerConfig.model_validate(given)
        typed = {key: getattr(model, key) for key in given if key in SimpleTunerConfig.model_fields}
    except ValidationError as error:
        typed = {}
        problems += [
            Problem(".".join(map(str, item["loc"][:1])), _sentence(item)) for item in error.errors()
        ]
    filled = {**given, **typed}
    problems += [*_needs(filled), *_strangers(filled)]
    return filled, problems


def _bare(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    found: dict[str, Any] = {}
    problems = []
    for key, value in config.items():
        name = keys.bare(str(key))
        if not keys.is_name(name):
            problems.append(Problem(str(key), "is no option's name: letters, digits and _ only"))
        elif name in found:
            problems.append(Problem(name, "is given twice, with and without dashes: keep one"))
        else:
            found[name] = value
    return found, problems


def _needs(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is missing, beyond what the schema itself demands."""
    has_list = bool(config.get("dataloader_config"))
    has_path = bool(config.get("data_backend_config"))
    if not has_list and not has_path:
        yield Problem("dataloader_config", _NO_DATA)
    if has_list and has_path:
        yield Problem("data_backend_config", "stands beside dataloader_config: keep one of them")
    if not any(_is_positive(config.get(key)) for key in ("max_train_steps", "num_train_epochs")):
        yield Problem("max_train_steps", "has no length: set it or num_train_epochs above 0")


def _strangers(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield values that SimpleTuner would change or could not be handed."""
    for path, text in keys.placeholders(config):
        yield Problem(
            path.split(".")[0],
            f"uses {text}: the trainer's environment cannot be put into a config",
        )
    for key, value in config.items():
        if not _is_plain(value):
            yield Problem(key, "holds a number that is infinite or not a number")


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def _sentence(item: Any) -> str:
    if item["type"] == "missing":
        return "is required"
    return f"{item['msg']}, not {item['input']!r}"[:300]
