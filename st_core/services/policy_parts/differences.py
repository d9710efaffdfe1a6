"""What differs between two documents, entry by entry, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: By what an entry of a list is known, when each entry has one of its own.
KEYS = (
    ("slug",),
    ("name",),
    ("scope", "name"),
    ("scope", "name", "type"),
    ("scope", "name", "period"),
    ("provider",),
    ("provider", "hardware"),
)
LONGEST = 100


@dataclass(frozen=True)
class Change:
    """One difference. `kind` is added, removed or changed; `path` says where, entries by name."""

    kind: str
    path: str
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        if self.kind == "changed":
            return f"~ {self.path}: {_short(self.before)} -> {_short(self.after)}"
        sign, value = ("+", self.after) if self.kind == "added" else ("-", self.before)
        return f"{sign} {self.path}: {_short(value)}"


def between(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Yield what changes from one JSON value to another."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            here = f"{path}.{name}".lstrip(".")
            if name not in after:
                yield Change("removed", here, before=before[name])
            elif name not in before:
                yield Change("added", here, after=after[name])
            else:
                yield from between(before[name], after[name], here)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    else:
        yield Change("changed", path, before, after)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    """Yield what changes between lists: entries by their key, or as they come and go."""
    key = next((key for key in KEYS if _identifies(key, before) and _identifies(key, after)), None)
    if key is not None:
        old, new = ({_name(key, each): each for each in side} for side in (before, after))
        for name in [*old, *(name for name in new if name not in old)]:
            here = f"{path}[{name}]"
            if name not in new:
                yield Change("removed", here, before=old[name])
            elif name not in old:
                yield Change("added", here, after=new[name])
            else:
                yield from between(old[name], new[name], here)
        return
    left, right = [*before], [*after]
    for item in before:
        if item in right:
            right.remove(item)
            left.remove(item)
    yield from (Change("removed", path, before=item) for item in left)
    yield from (Change("added", path, after=item) for item in right)


def _identifies(key: Sequence[str], items: Sequence[Any]) -> bool:
    """Tell whether every entry has texts of its own under this key."""
    for item in items:
        if not isinstance(item, dict) or not all(isinstance(item.get(k), str) for k in key):
            return False
    return len({_name(key, item) for item in items}) == len(items)


def _name(key: Sequence[str], item: Mapping[str, Any]) -> str:
    return " ".join(item[k] for k in key if item[k])


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
