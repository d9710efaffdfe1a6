"""A log as the page shows it: numbered lines, the loud ones marked, progress bars reduced to their
last state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")
BAD = re.compile(
    r"\b(\w*error|\w*exception|traceback|fatal|critical|killed|out of memory)\b", re.IGNORECASE
)
WARN = re.compile(r"\bwarn(ing)?\b", re.IGNORECASE)
LONGEST = 2000


@dataclass(frozen=True)
class LogLine:
    """One line: its number in what is shown, its text, and the ink of a loud one."""

    number: int
    text: str
    ink: str = ""


def lines(text: str, first: int = 1) -> list[LogLine]:
    """Return the lines of `text`, numbered from `first`."""
    parts = text.split("\n")
    if parts and not parts[-1]:
        parts.pop()
    return [LogLine(n, cleaned, ink(cleaned)) for n, cleaned in enumerate(map(clean, parts), first)]


def clean(line: str) -> str:
    """Return a line without colour codes; of a bar drawn over itself only what was last seen."""
    shown = [part for part in ANSI.sub("", line).split("\r") if part.strip()]
    return (shown[-1] if shown else "").expandtabs()[:LONGEST]


def ink(line: str) -> str:
    """Return bad, warn or nothing for a line."""
    if BAD.search(line):
        return "bad"
    return "warn" if WARN.search(line) else ""
