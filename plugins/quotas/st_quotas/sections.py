"""The panels of quotas on pages of the core: an organisation's ceilings, and what one has left."""

from __future__ import annotations

from typing import Any

from st_core.contracts import Section, Viewer

from . import rows, standing
from .kinds import ACTIONS, KINDS


def sections(page: str, viewer: Viewer, subject: Any) -> list[Section]:
    """Return the panel for a page, if it has anything to say there."""
    if page == "org":
        return _org(viewer, subject)
    if page in ("profile", "submit"):
        return _own(viewer)
    return []


def _org(viewer: Viewer, org: Any) -> list[Section]:
    found = rows.of("org", org.id)
    context = {
        "rows": [(row, KINDS[row.ceiling.quota_type]) for row in found],
        "actions": ACTIONS,
        "may_see": viewer.may("quota.view"),
    }
    return [Section("quotas/org.html", context, "Ceilings", "side", 20)]


def _own(viewer: Viewer) -> list[Section]:
    found = standing.of(viewer)
    if not found:
        return []
    lines = [(KINDS[one.type], one.tightest) for one in found]
    return [Section("quotas/own.html", {"lines": lines}, "Your quotas", "side", 30)]
