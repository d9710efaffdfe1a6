"""Send the log on: every place gets every entry at least once, in order, from a cursor of its own.

The cursor moves only after a batch was taken, so a crash in between sends it again. What fails is
tried again after growing pauses, for ever; entries wait in the database until then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from st_core import outgoing, secrets
from st_core.clock import now
from st_core.contracts import HealthCheck, HealthResult
from st_core.db import db, storable, table_of, unit_of_work
from st_core.errors import StError

from . import checkpoints, entries, exports, ledger, reading, sinks, syslog
from .models import AuditEntry, AuditSink
from .verifier import canonical

log = logging.getLogger(__name__)
_ENTRIES = table_of(AuditEntry)
BATCH = 200
PAUSES_SECONDS = (5, 15, 60, 300, 900)
#: A place is late when it has not taken an entry for so long.
LATE = timedelta(minutes=15)


class NotTaken(Exception):
    """A webhook answered with something else than success."""


def run() -> None:
    """Service: send every place what it has not taken yet."""
    for name in sinks.current():
        while send_batch(name):
            pass


def send_batch(name: str) -> bool:
    """Send one place its next entries; tell whether there are more to come."""
    sink = db.session.get(AuditSink, name, populate_existing=True)
    if sink is None or not sink.enabled or (sink.next_at and sink.next_at > now()):
        return False
    query = select(_ENTRIES).where(_ENTRIES.c.number > sink.cursor).order_by(_ENTRIES.c.number)
    rows = entries.rows_of(db.session.execute(query.limit(BATCH)))
    if not rows:
        return False
    wanted = [row for row in rows if not sink.options["security_only"] or _is_security(row)]
    options, sealed = dict(sink.options), sink.token
    checkpoint = checkpoints.newest()
    newest = checkpoint.statement if checkpoint else "null"
    db.session.rollback()  # nothing is held while the other side takes its time
    import httpx  # heavy: most servers send the log nowhere

    try:
        if wanted and name == sinks.WEBHOOK:
            _post(options, sealed, wanted, newest)
        elif wanted:
            syslog.send(options, wanted)
    except (httpx.HTTPError, OSError, StError, NotTaken) as error:
        _failed(name, f"{type(error).__name__}: {error}")
        return False
    _taken(name, rows[0]["number"] - 1, rows[-1]["number"])
    return len(rows) == BATCH


def _is_security(row: Mapping[str, Any]) -> bool:
    return row["category"] in reading.SECURITY


def _post(
    options: Mapping[str, Any], sealed: str | None, rows: Sequence[Mapping[str, Any]], newest: str
) -> None:
    """Send a batch to the webhook. Raises NotTaken when it answers with an error."""
    if options["format"] == "csv":
        kind = "text/csv; charset=utf-8"
        body = exports.csv_line(exports.CSV_COLUMNS) + "".join(map(exports.csv_row, rows))
    else:
        kind = "application/json"
        body = f'{{"entries":[{",".join(map(_object, rows))}],"checkpoint":{newest}}}'
    headers = {"Content-Type": kind, "X-SimpleTuner-Audit-Last": str(rows[-1]["number"])}
    if sealed:
        token = secrets.unseal(sealed, secrets.place(AuditSink.token, name=sinks.WEBHOOK))
        headers["Authorization"] = f"Bearer {token}"
    with outgoing.client() as client:
        answer = client.post(options["url"], content=body.encode(), headers=headers)
    if not answer.is_success:
        raise NotTaken(f"the webhook answered {answer.status_code}")


def _object(row: Mapping[str, Any]) -> str:
    """Return an entry as JSON, also one that somebody damaged."""
    line = entries.line(row)
    try:
        json.loads(line)
    except ValueError:
        return canonical({"kind": "damaged", "number": row["number"], "line": line})
    return line


def _taken(name: str, old: int, new: int) -> None:
    """Command: move the cursor, unless the place was set anew meanwhile."""
    with unit_of_work():
        sink = db.session.get(AuditSink, name, with_for_update=True, populate_existing=True)
        if sink is not None and sink.cursor <= old:
            sink.cursor, sink.failures, sink.error, sink.next_at = new, 0, None, None
            sink.delivered_at = now()


def _failed(name: str, reason: str) -> None:
    """Command: note a failure and when to try again."""
    log.warning("the audit log could not be sent to the %s: %s", name, reason)
    with unit_of_work():
        sink = db.session.get(AuditSink, name, populate_existing=True)
        if sink is not None:
            pause = PAUSES_SECONDS[min(sink.failures, len(PAUSES_SECONDS) - 1)]
            sink.failures += 1
            sink.error = storable(reason, 500)
            sink.next_at = now() + timedelta(seconds=pause)


def check_health() -> HealthResult:
    """Tell whether the log can be continued, and whether places keep up."""
    if ledger.read().log:
        try:
            ledger.checked()
        except StError as error:
            return HealthResult("unhealthy", error.detail)
    for sink in sinks.current().values():
        waiting = db.session.scalar(
            select(_ENTRIES.c.timestamp)
            .where(_ENTRIES.c.number > sink.cursor)
            .order_by(_ENTRIES.c.number)
            .limit(1)
        )
        if waiting is not None and waiting < entries.timestamp(now() - LATE):
            return HealthResult(
                "degraded",
                f"The {sink.name} is {sinks.behind(sink)} audit entries behind; "
                f"{sink.error or 'it takes them too slowly'}. See Audit Log, Streaming.",
            )
    return HealthResult("healthy")


HEALTH_CHECKS = [HealthCheck("audit", check_health)]
