"""What approvals tell: the guide's four, and every change of what governs them."""

from __future__ import annotations

from st_core.contracts import EventType, Severity

RIGHT = "admin.approve"
EVENT_TYPES = [
    EventType("approval.required", "A job needs approval", "approval"),
    EventType("approval.voted", "One of several people approved a job", "approval"),
    EventType("approval.granted", "A job was approved", "approval", audit_name="job.approved"),
    EventType(
        "approval.rejected",
        "A job was rejected",
        "approval",
        Severity.WARNING,
        audit_name="job.rejected",
    ),
    EventType("approval.expired", "An approval request expired", "approval", Severity.WARNING),
    EventType("approval.cancelled", "An approval request was withdrawn", "approval"),
    EventType("approval.rule_created", "An approval rule was made", "approval", permission=RIGHT),
    EventType(
        "approval.rule_updated", "An approval rule was changed", "approval", permission=RIGHT
    ),
    EventType(
        "approval.rule_deleted",
        "An approval rule was deleted",
        "approval",
        Severity.WARNING,
        permission=RIGHT,
    ),
    EventType("approval.delegated", "Somebody decides in another's place", "approval"),
    EventType("approval.delegation_ended", "A delegation was taken back", "approval"),
]
