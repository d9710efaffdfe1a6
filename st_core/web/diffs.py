"""What changed between two configs, line by line as people write them, and in one sentence."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTEXT = 2
_MISSING = object()


@dataclass(frozen=True)
class Line:
    """One line of a diff. `sign` is `+`, `-`, a space, or `@` for the head of a hunk; numbers are
    None where absent.
    """

    sign: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True)
class Diff:
    """The lines to show and how many keys differ."""

    lines: tuple[Line, ...]
    changed: int


def compare(old: Mapping[str, Any], new: Mapping[str, Any], context: int = CONTEXT) -> Diff:
    """Return how `new` differs from `old`; both are written with sorted keys first."""
    before, after = _written(old), _written(new)
    return Diff(tuple(_lines(before, after, context)), len(changed_keys(old, new)))


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the top-level keys whose values differ, sorted."""
    keys = set(old) | set(new)
    return sorted(key for key in keys if old.get(key, _MISSING) != new.get(key, _MISSING))


def _written(data: Mapping[str, Any]) -> list[str]:
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False).splitlines()


def _lines(before: list[str], after: list[str], context: int) -> list[Line]:
    lines: list[Line] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(context)):
        if number:
            first = group[0]
            lines.append(Line("@", None, None, f"line {first[3] + 1}"))
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                lines += [
                    Line(" ", old_from + n + 1, new_from + n + 1, text)
                    for n, text in enumerate(before[old_from:old_to])
                ]
                continue
            lines += [Line("-", n + 1, None, before[n]) for n in range(old_from, old_to)]
            lines += [Line("+", None, n + 1, after[n]) for n in range(new_from, new_to)]
    return lines
