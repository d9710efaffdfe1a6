"""Patterns that admins write into rules, matched in linear time.

A *pattern* that starts with ^ or ends with $ is a regular expression (RE2), searched for in the
text; every other one is a glob for the whole text (`*`, `?`, `[abc]`). Case counts, whatever the
machine. The prefix `gpu-` of hardware names says nothing: `gpu-a100-80gb` is `a100-80gb`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import re2

from ..errors import SetTimeRule

LONGEST = 200
GPU = "gpu-"


def is_expression(pattern: str) -> bool:
    """Tell whether a pattern is a regular expression, not a glob."""
    return pattern.startswith("^") or pattern.endswith("$")


def matches(pattern: str, text: str) -> bool:
    """Tell whether `text` matches; an expression that cannot be read matches nothing."""
    if not is_expression(pattern):
        return fnmatchcase(text, pattern)
    try:
        return _compiled(pattern).search(text) is not None
    except re2.error:
        return False


def matches_hardware(pattern: str, hardware: str) -> bool:
    """Tell whether a name of hardware matches, with or without `gpu-` on either side."""
    anchor = "^" if pattern.startswith("^") else ""
    bare = anchor + pattern.removeprefix(anchor).removeprefix(GPU)
    return matches(bare, hardware.removeprefix(GPU)) or matches(pattern, hardware)


def check(pattern: str, path: str) -> str:
    """Return a pattern that can be used. Raises SetTimeRule naming the field `path`."""
    if not 0 < len(pattern) <= LONGEST:
        raise _wrong(f"a pattern has 1 to {LONGEST} characters, this one {len(pattern)}", path)
    if is_expression(pattern):
        try:
            _compiled(pattern)
        except re2.error as error:
            raise _wrong(
                f"{pattern!r} is no regular expression of RE2: {_said(error)}", path
            ) from (error)
    return pattern


def _wrong(text: str, path: str) -> SetTimeRule:
    return SetTimeRule(
        f"{text[:1].upper()}{text[1:]}. Write a glob such as a100*, or an expression such as "
        "^flux-.*$.",
        code="invalid_pattern",
        fields=[{"path": path, "message": text}],
    )


def _said(error: Exception) -> str:
    word = error.args[0] if error.args else ""
    return word.decode(errors="replace") if isinstance(word, bytes) else str(word)


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # it would be written on the console, past our log
    return re2.compile(pattern, options=options)
