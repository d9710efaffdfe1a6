"""What differs between two documents, entry by entry, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: By what an entry of a list is known, when each entry has one of its own.
KEYS = ("slug", "name", "user", "team", "org", "provider")
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
        old, new = ({each[key]: each for each in side} for side in (before, after))
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


def _identifies(key: str, items: Sequence[Any]) -> bool:
    """Tell whether every entry has a text of its own under this key."""
    if not all(isinstance(item, dict) and isinstance(item.get(key), str) for item in items):
        return False
    return len({item[key] for item in items}) == len(items)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
