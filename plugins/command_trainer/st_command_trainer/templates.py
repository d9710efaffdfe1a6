"""Texts with places: `--rank={rank}`. A *place* is a name in braces; `{{` and `}}` are braces.

A text is filled as a whole word of the command, so that no value can become two words. There is
no shell anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\{\{|\}\}|\{([a-z_][a-z0-9_]*)\}")


def names_in(value: Any) -> set[str]:
    """Return the names of all places in a text, or in the texts of a list or mapping."""
    if isinstance(value, str):
        return {found[1] for found in _PLACE.finditer(value) if found[1]}
    if isinstance(value, Mapping):
        return set().union(*(names_in(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(names_in(item) for item in value))
    return set()


def begins_with(text: str) -> str | None:
    """Return the name of the place that `text` begins with, None when it begins otherwise."""
    found = _PLACE.match(text)
    return found[1] if found else None


def fill(text: str, values: Mapping[str, Any]) -> str | None:
    """Return `text` with its places filled; None when one of them has no value."""
    if any(values.get(name) is None for name in names_in(text)):
        return None
    return _PLACE.sub(lambda place: _written(place, values), text)


def fill_in(value: Any, values: Mapping[str, Any]) -> Any:
    """Return `value` with every text in it filled; what has no value is left out.

    A text that is one place alone becomes the value itself, a number for instance.
    """
    if isinstance(value, Mapping):
        filled = {key: fill_in(item, values) for key, item in value.items()}
        return {key: item for key, item in filled.items() if item is not None}
    if isinstance(value, list | tuple):
        return [item for item in (fill_in(each, values) for each in value) if item is not None]
    if not isinstance(value, str):
        return value
    alone = _PLACE.fullmatch(value)
    return values.get(alone[1]) if alone and alone[1] else fill(value, values)


def _written(place: re.Match[str], values: Mapping[str, Any]) -> str:
    if not place[1]:
        return place[0][0]
    value = values[place[1]]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
