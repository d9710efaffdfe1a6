"""What budgets tell."""

from __future__ import annotations

from st_core.contracts import EventType, Service, Severity

from . import following

RIGHT = "quota.view"
EVENT_TYPES = [
    EventType(
        "cost.warning",
        "80% of a cost limit is spent and held",
        "quota",
        Severity.WARNING,
        permission=RIGHT,
    ),
    EventType(
        "cost.exceeded", "A cost limit is reached", "quota", Severity.ERROR, permission=RIGHT
    ),
    EventType(
        "cost.changed",
        "A cost limit was set or removed",
        "quota",
        permission=RIGHT,
        audit_name="provider.configured",
    ),
    EventType("cost.price_changed", "A price was set", "quota", permission=RIGHT),
    EventType(
        "cost.reconciled",
        "The ledger was not as the jobs say, and was repaired",
        "quota",
        Severity.WARNING,
        permission=RIGHT,
    ),
]
SERVICES = [Service("budgets", following.keep_up, every_seconds=15.0)]
