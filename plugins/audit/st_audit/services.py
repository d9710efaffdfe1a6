"""What the log does by itself: checkpoints, sending on, and a note of what it has not seen."""

from __future__ import annotations

from st_core.contracts import EventType, Service, Severity
from st_core.db import unit_of_work
from st_core.services import events

from . import checkpoints, continuing, ledger, streaming

EVENT_TYPES = [
    EventType(
        "audit.started",
        "The audit log begins, or goes on after it was switched off",
        "security",
        Severity.WARNING,
        permission="admin.audit",
    ),
    EventType(
        "audit.archived",
        "Old entries of the audit log moved into a file",
        "security",
        permission="admin.audit",
    ),
    EventType(
        "audit.resumed",
        "The audit log goes on although its end was moved or its key was lost",
        "security",
        Severity.CRITICAL,
        permission="admin.audit",
    ),
    EventType(
        "audit.key_rotated",
        "The audit log has a new signing key",
        "security",
        Severity.WARNING,
        permission="admin.audit",
    ),
    EventType(
        "audit.exported",
        "Somebody took the audit log away",
        "security",
        permission="admin.audit",
    ),
    EventType(
        "audit.streaming_changed",
        "Where the audit log is sent was changed",
        "security",
        Severity.WARNING,
        permission="admin.audit",
    ),
]
SERVICES = [
    Service("audit checkpoints", checkpoints.run, every_seconds=60.0),
    Service("audit streaming", streaming.run, every_seconds=5.0),
]


def start() -> None:
    """Command: say in the log what it has not seen, and take a new `audit.key` into use."""
    note_a_gap()
    continuing.follow_setting()


def note_a_gap() -> None:
    """Command: when the journal went on without the log, say so in the log."""
    if ledger.read().event_id == events.head():
        return
    with unit_of_work(gate="submit"):
        last, newest = ledger.read().event_id, events.head()
        if last != newest:
            events.emit(
                "audit.started",
                subject=("audit", "log"),
                data={"unrecorded_from": last + 1, "unrecorded_to": newest},
                message=f"Events {last + 1} to {newest} of the journal are not in the audit log",
            )
