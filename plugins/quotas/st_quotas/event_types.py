"""What quotas tell, beside the warnings and refusals that the pipeline itself emits."""

from __future__ import annotations

from st_core.contracts import EventType, Severity

RIGHT = "quota.view"
EVENT_TYPES = [
    EventType(
        "quota.changed",
        "A ceiling was set or removed",
        "quota",
        permission=RIGHT,
        audit_name="quota.changed",
    ),
    EventType(
        "quota.reconciled",
        "Reservations were not as the jobs say, and were repaired",
        "quota",
        Severity.WARNING,
        permission=RIGHT,
    ),
]
