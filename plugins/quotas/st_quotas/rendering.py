"""Rows as answers."""

from __future__ import annotations

from collections.abc import Sequence

from . import schemas
from .kinds import ACTIONS, KINDS, MODES
from .rows import Row
from .standing import Standing, blocking


def quota(row: Row) -> schemas.Quota:
    """Return a ceiling as an answer."""
    one = row.ceiling
    return schemas.Quota(
        id=one.id,
        quota_type=one.quota_type,
        limit_value=one.limit_value,
        action=one.action,
        mode=one.mode,
        scope=one.scope,
        subject=row.name,
        user_id=one.user_id,
        level_id=one.level_id,
        team_id=one.team_id,
        org_id=one.org_id,
        is_global=one.scope == "global",
        effective_limit=one.limit_value - row.over_by,
        over_committed_by=row.over_by or None,
    )


def said(row: Row) -> schemas.QuotaSaid:
    """Return a ceiling that was just set as an answer."""
    shown = quota(row)
    return schemas.QuotaSaid(**shown.model_dump(), quota=shown)


def standing(user_id: int, found: Sequence[Standing]) -> schemas.Standing:
    """Return where a person stands as an answer."""
    reasons = [one.message for one in blocking(found)]
    return schemas.Standing(
        user_id=user_id,
        statuses=[_status(one) for one in found],
        can_submit=not reasons,
        blocking_reasons=reasons,
    )


def _status(found: Standing) -> schemas.Status:
    one, lowest = found.tightest, found.effective
    return schemas.Status(
        quota_type=found.type,
        limit=one.ceiling.limit,
        current=one.used,
        action=one.ceiling.action,
        is_exceeded=one.is_exceeded,
        is_warning=one.is_warning,
        percent_used=round(float(100 * one.used / one.ceiling.limit), 1),
        message=one.message,
        source=one.ceiling.scope,
        subject=one.ceiling.name,
        effective_limit=lowest.ceiling.limit,
        effective_source=lowest.ceiling.scope,
        remaining=max(one.left, 0),
    )


def types() -> schemas.QuotaTypes:
    """Return every type, action and mode."""
    return schemas.QuotaTypes(
        quota_types=list(KINDS),
        types=[
            schemas.QuotaType(
                name=kind.name,
                title=kind.title,
                unit=kind.unit,
                window_seconds=int(kind.window.total_seconds()) if kind.window else None,
            )
            for kind in KINDS.values()
        ],
        actions=list(ACTIONS),
        modes=list(MODES),
    )
