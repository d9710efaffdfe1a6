"""Figures of approvals for Prometheus."""

from __future__ import annotations

from sqlalchemy import func, select

from st_core.contracts import Metric
from st_core.db import db

from .models import ApprovalsRequest
from .requests import PENDING, STATUSES


def metrics() -> list[Metric]:
    """Return how many requests there are, by status."""
    status = ApprovalsRequest.status
    rows = db.session.execute(select(status, func.count()).group_by(status))
    counts = dict.fromkeys(STATUSES, 0) | {name: count for name, count in rows}
    return [
        Metric(
            "simpletuner_approval_requests_pending",
            "gauge",
            "Approval requests that wait for an answer",
            (({}, float(counts[PENDING])),),
        ),
        Metric(
            "simpletuner_approval_requests_by_status",
            "gauge",
            "Approval requests by status",
            tuple(({"status": name}, float(count)) for name, count in counts.items()),
        ),
    ]
