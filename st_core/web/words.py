"""The status vocabulary: for each state its word, its icon and its ink. No other words for these
states anywhere.

The inks are classes of theme.css: ok ended well, run is happening, wait is not its turn, ask
needs a person, warn goes on but look, bad failed or refused.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How a state shows: the word is the contract, icon and ink only help."""

    word: str
    icon: str
    ink: str


STATES: dict[str, Look] = {
    "pending_approval": Look("Needs approval", "person-check", "ask"),
    "queued": Look("Queued", "hourglass-split", "wait"),
    "starting": Look("Starting", "box-arrow-in-right", "run"),
    "running": Look("Running", "arrow-repeat", "run"),
    "completed": Look("Completed", "check-circle-fill", "ok"),
    "failed": Look("Failed", "x-circle-fill", "bad"),
    "cancelled": Look("Cancelled", "slash-circle", "wait"),
    "ok": Look("OK", "check-circle-fill", "ok"),
    "warn": Look("Warning", "exclamation-triangle-fill", "warn"),
    "bad": Look("Error", "x-circle-fill", "bad"),
    "off": Look("Off", "dash-circle", "wait"),
}

GATES: dict[str, Look] = {
    "pass": Look("passed", "check-circle-fill", "ok"),
    "warn": Look("passed with a warning", "exclamation-triangle-fill", "warn"),
    "ask": Look("asked a person", "person-check", "ask"),
    "no": Look("refused", "x-circle-fill", "bad"),
    "todo": Look("not reached", "circle", "muted"),
}

#: What an attempt that has ended, or still goes on, is called in one word.
OUTCOMES: dict[str, Look] = {
    "completed": Look("completed", "check-circle-fill", "ok"),
    "failed": Look("failed", "x-circle-fill", "bad"),
    "cancelled": Look("cancelled", "slash-circle", "wait"),
    "lost": Look("lost", "x-circle-fill", "bad"),
    "stopped": Look("stopped", "slash-circle", "wait"),
    "starting": Look("starting", "box-arrow-in-right", "run"),
    "running": Look("running", "arrow-repeat", "run"),
}

#: States in the order a filter offers them.
JOB_STATES = (
    "pending_approval",
    "queued",
    "starting",
    "running",
    "completed",
    "failed",
    "cancelled",
)
