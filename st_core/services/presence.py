"""When sessions and keys were last used: noted in memory, written in one batch a minute.

A write per request would take the database's write lock for every GET.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Table, or_, update

from ..clock import now
from ..db import db, table_of, unit_of_work
from ..models import ApiKey, Session

_SESSIONS, _API_KEYS = table_of(Session), table_of(ApiKey)
_COLUMNS: dict[str, tuple[Table, Any]] = {
    "session": (_SESSIONS, _SESSIONS.c.last_seen_at),
    "api_key": (_API_KEYS, _API_KEYS.c.last_used_at),
}


class Presence:
    """What one process has seen since it last wrote; lives beside the app."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], datetime] = {}
        self._lock = threading.Lock()

    def note(self, kind: str, row_id: int) -> None:
        """Remember that a `session` or `api_key` was used just now."""
        with self._lock:
            self._seen[kind, row_id] = now()

    def take(self) -> dict[tuple[str, int], datetime]:
        """Return what was noted, and forget it."""
        with self._lock:
            seen, self._seen = self._seen, {}
        return seen


def note(kind: str, row_id: int) -> None:
    """Remember that the row `row_id` of kind `session` or `api_key` was used just now."""
    current_app.extensions["st"].presence.note(kind, row_id)


def write() -> None:
    """Command: store what was noted since the last time; a later moment of another process stays.

    Statements over tables: being used is no change of policy.
    """
    seen = current_app.extensions["st"].presence.take()
    if not seen:
        return
    with unit_of_work():
        for (kind, row_id), moment in sorted(seen.items()):
            table, column = _COLUMNS[kind]
            db.session.execute(
                update(table)
                .where(table.c.id == row_id, or_(column.is_(None), column < moment))
                .values({column: moment})
            )
