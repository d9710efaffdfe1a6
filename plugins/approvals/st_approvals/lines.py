"""Requests and rules as lines of a page: short, in words people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from st_core.clock import now
from st_core.web import diffs

from .conditions import CONDITIONS
from .insight import Earlier
from .models import ApprovalsRequest, ApprovalsRule

SOON = timedelta(hours=4)
MOST_WORDS = 3
#: status → word, icon, class of the pill
LOOKS: Mapping[str, tuple[str, str, str]] = {
    "pending": ("Needs approval", "person-check", "pending_approval"),
    "approved": ("Approved", "check-circle-fill", "ok"),
    "rejected": ("Rejected", "x-circle-fill", "bad"),
    "expired": ("Expired", "clock-history", "off"),
    "cancelled": ("Withdrawn", "slash-circle", "off"),
}


@dataclass(frozen=True)
class Line:
    """One request in a list. `left_seconds` until it ends, 0 when it has."""

    id: int
    job_id: int
    job_name: str
    who: str
    why: str
    cost_usd: Decimal | None
    status: str
    reviewer: str
    notes: str
    created_at: datetime
    reviewed_at: datetime | None
    left_seconds: float
    is_soon: bool


def line(row: ApprovalsRequest) -> Line:
    """Return a request as a line."""
    left = row.expires_at - now()
    return Line(
        id=row.id,
        job_id=row.job_id,
        job_name=row.job_name,
        who=row.username or "somebody who left",
        why=row.reason,
        cost_usd=row.estimated_cost_usd,
        status=row.status,
        reviewer=row.reviewer or "",
        notes=row.review_notes or "",
        created_at=row.created_at,
        reviewed_at=row.reviewed_at,
        left_seconds=max(left.total_seconds(), 0),
        is_soon=left < SOON,
    )


def rule(row: ApprovalsRule) -> dict[str, Any]:
    """Return a rule as a line: when it asks, whom, and for whom it holds."""
    condition = CONDITIONS[row.condition]
    money = "$" if row.condition == "cost_exceeds" else ""
    scope = [row.applies_to_provider and f"at {row.applies_to_provider}"]
    scope += [row.applies_to_level and f"of level {row.applies_to_level}"]
    scope += [f"not {', '.join(row.exempt_levels)}" if row.exempt_levels else None]
    people = f"{row.quorum} × " if row.quorum > 1 else "level "
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "priority": row.priority,
        "when": f"{condition.title} {money}{row.threshold}".strip(),
        "scope": ", ".join(word for word in scope if word) or "everyone",
        "asks": f"{people}{row.required_approver_level}",
        "hours": row.lifetime_hours,
        "is_active": row.is_active,
        "mode": row.mode,
    }


def diff(earlier: Earlier) -> Sequence[diffs.Line]:
    """Return the lines that differ from the last approved job."""
    return diffs.compare(earlier.before, earlier.after).lines


def in_words(earlier: Earlier) -> str:
    """Return the first differences in a sentence."""
    words = [
        f"{change['key']} {_value(change['before'])} → {_value(change['after'])}"
        for change in earlier.changes[:MOST_WORDS]
    ]
    more = len(earlier.changes) - len(words)
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")


def _value(value: Any) -> str:
    return "none" if value is None else str(value)[:60]
