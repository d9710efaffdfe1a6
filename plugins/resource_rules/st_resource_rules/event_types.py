"""The events of resource rules."""

from __future__ import annotations

from st_core.contracts import EventType

MAY = "admin.users"
EVENT_TYPES = [
    EventType("resource_rule.created", "A resource rule was made", "admin", permission=MAY),
    EventType("resource_rule.updated", "A resource rule was changed", "admin", permission=MAY),
    EventType("resource_rule.deleted", "A resource rule was deleted", "admin", permission=MAY),
]
