"""Changes nobody is told of: a watched row that changes in a unit of work without any event.

Everything about people, settings, configs and the course of jobs must leave a trace in the journal,
or the audit log has a hole. Looked at are the statements themselves, so no way round the objects
helps. What a test or the test kit writes in a unit of work of its own is set-up and not looked at.
"""

from __future__ import annotations

import re
import sys
import threading
from typing import Any

#: Any change counts, but for columns that change nothing about what somebody is or may do.
WATCHED: dict[str, frozenset[str]] = {
    "api_key": frozenset({"last_used_at"}),
    "approvals_delegation": frozenset(),
    "approvals_request": frozenset(),
    "approvals_rule": frozenset(),
    "approvals_vote": frozenset(),
    "auth_provider": frozenset({"updated_at"}),
    "budgets_limit": frozenset({"updated_at"}),
    "budgets_price": frozenset(),
    "config": frozenset(),
    "external_identity": frozenset(),
    "level": frozenset(),
    "membership": frozenset(),
    "org": frozenset(),
    "permission_override": frozenset(),
    "provider_credential": frozenset({"last_used_at"}),
    "resource_rules_attachment": frozenset(),
    "resource_rules_rule": frozenset(),
    "quotas_ceiling": frozenset(),
    "revision": frozenset(),
    "stored_setting": frozenset(),
    "team": frozenset(),
    "user_account": frozenset({"last_login_at", "totp_last_step"}),
    "user_level": frozenset({"source"}),  # the same levels, held by somebody else
}
#: Of these only the named columns count, and that a row comes or goes.
IN_PART: dict[str, frozenset[str]] = {
    "job": frozenset({"state", "priority", "priority_override", "effective_priority"}),
    "session": frozenset(),
}
#: Whose units of work are set-up: tests, the kit, measurements, what every database begins with.
SET_UP = ("tests", "conftest", "st_core.testing", "st_core.bench", "st_core.boot", "__main__")
#: First halves, told of with the second: a claim is half a start, and a session that awaits its
#: second factor is nobody's yet.
HALVES = ("st_core.services.claims", "st_core.services.signin")
_THROUGH = ("sqlalchemy", "flask_sqlalchemy", "contextlib", "st_core.db", "st_core.testing.guards")
_WRITE = re.compile(
    r"^\s*(INSERT INTO|DELETE FROM|UPDATE)\s+\"?(\w+)\"?(?:\s+SET\s+(.*?)(?: WHERE |$))?", re.S
)

_here = threading.local()


def begin(_connection: Any) -> None:
    """Forget what an earlier transaction of this thread wrote."""
    _here.changes = []


def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    """Keep a statement that changes a watched row."""
    found = _WRITE.match(statement)
    if found and _counts(found[1], found[2], found[3] or ""):
        _here.changes = [*getattr(_here, "changes", []), f"{found[1]} {found[2]}"]


def untold(session_info: dict[Any, Any]) -> str:
    """Say which watched rows a unit of work is to change without an event; empty when none."""
    changes, _here.changes = getattr(_here, "changes", []), []
    if not changes or session_info.get("journal_written"):
        return ""
    who = _opener()
    if who.startswith(SET_UP) or who in HALVES:
        return ""
    return f"{who} changes watched rows and emits no event: {', '.join(sorted(set(changes)))}"


def _counts(verb: str, table: str, assignments: str) -> bool:
    if table not in WATCHED and table not in IN_PART:
        return False
    if verb != "UPDATE":
        return True
    columns = set(re.findall(r"\"?(\w+)\"?\s*=", assignments))
    if table in IN_PART:
        return bool(columns & IN_PART[table])
    return bool(columns - WATCHED[table])


def _opener() -> str:
    """Return the module that opened the unit of work which is being closed."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith((*_THROUGH, __name__)):
            return module
        frame = frame.f_back
    return "somebody"
