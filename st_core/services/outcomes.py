"""Outcomes: what findings of policies amount to for a submission.

Words: an *outcome* is admitted, asked (people decide) or refused, in this order of harshness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ADMITTED, ASKED, REFUSED = OUTCOMES = ("admitted", "asked", "refused")
REFUSES = frozenset({"deny", "block"})
ASKS = "require_approval"


def of(findings: Iterable[Mapping[str, Any]], asked: Mapping[str, Any]) -> str:
    """Return the outcome that recorded findings give; those in shadow count for nothing."""
    effects = {one["effect"] for one in findings if not one.get("shadow")}
    if effects & REFUSES:
        return REFUSED
    may_skip = "job.bypass.approval" in asked.get("bypasses", ())
    return ASKED if ASKS in effects and not may_skip else ADMITTED


def if_acting(findings: Iterable[Mapping[str, Any]], asked: Mapping[str, Any]) -> str:
    """Return the outcome that shadow findings would give if they acted."""
    return of(({**one, "shadow": not one.get("shadow")} for one in findings), asked)


def harshest(*outcomes: str) -> str:
    """Return the harshest of these outcomes; admitted when there is none."""
    return max(outcomes, key=OUTCOMES.index, default=ADMITTED)
