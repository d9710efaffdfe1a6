"""Write entries out: JSON lines that the verifier reads, and CSV for spreadsheets.

Both are streamed in batches of one view of the database, however long the log is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import func, select

from st_core.db import db, fresh_view, table_of

from . import checkpoints, entries, keys, ledger
from .ledger import Memory
from .models import AuditCheckpoint, AuditEntry, AuditSegment
from .reading import Wanted, where
from .verifier import canonical, digest

_ENTRIES = table_of(AuditEntry)
BATCH = 1000
#: A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
CSV_COLUMNS = tuple(name for name in entries.COLUMNS if name != "seal")


def rows(wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    """Yield the entries that fit, oldest first."""
    criteria, at = where(wanted), 0
    while True:
        query = select(_ENTRIES).where(*criteria, _ENTRIES.c.number > at)
        query = query.order_by(_ENTRIES.c.number).limit(BATCH)
        found = entries.rows_of(db.session.execute(query))
        yield from found
        if len(found) < BATCH:
            return
        at = found[-1]["number"]


def json_lines(wanted: Wanted) -> Iterator[str]:
    """Yield an export as JSON lines.

    Without a filter but for the range it can be verified: a signature closes it. Raises HeadForged
    when the end of the log cannot be trusted: then there is nothing to sign.
    """
    fresh_view()
    try:
        if wanted == Wanted(first=wanted.first, last=wanted.last):
            yield from _verifiable(wanted)
        else:
            yield _line({"kind": "log", "log": ledger.read().log, "filtered": True})
            for row in rows(wanted):
                yield entries.line(row) + "\n"
    finally:
        db.session.rollback()


def _verifiable(wanted: Wanted) -> Iterator[str]:
    head = ledger.read()
    if not head.log:
        return
    memory = ledger.checked()
    begin = (db.session.scalar(select(func.max(AuditSegment.last))) or 0) + 1
    first = max(wanted.first or begin, begin)
    last = min(wanted.last or head.number, head.number)
    if first <= last:
        yield from closed(first, last, "checkpoint" if last == head.number else "excerpt", memory)


def closed(first: int, last: int, kind: str, memory: Memory) -> Iterator[str]:
    """Yield a run of entries with its checkpoints, and the signed statement that closes it.

    A run that does not end with the log is signed only when its last entry's seal is right: what
    was changed since gets no signature.
    """
    log, row, known = memory.head.log, None, _checkpoints(first, last)
    about = {"kind": "log", "log": log, "first": first, "last": last}
    yield _line({**about, "previous_hash": _hash_before(first)})
    # what somebody put behind the end is written out, too: the verifier shall see it
    for row in rows(Wanted(first=first, last=None if kind == "checkpoint" else last)):
        yield entries.line(row) + "\n"
        if row["number"] in known:
            yield known[row["number"]] + "\n"
    end = memory.head.hash if kind == "checkpoint" else _proven(row, last)
    if end is not None:
        yield _line(checkpoints.statement(kind, log, last, end, memory.signer, first=first))


def _checkpoints(first: int, last: int) -> dict[int, str]:
    query = select(AuditCheckpoint).where(AuditCheckpoint.number.between(first, last))
    return {row.number: row.statement for row in db.session.scalars(query)}


def _hash_before(first: int) -> str | None:
    """Return what the first entry of a run says the hash before it is."""
    query = select(_ENTRIES.c.previous_hash).where(_ENTRIES.c.number == first)
    return db.session.scalar(query)


def _proven(row: Mapping[str, Any] | None, last: int) -> str | None:
    """Return the true hash of the last entry, None when it is missing or was changed."""
    if row is None or row["number"] != last:
        return None
    both = entries.parts(row)
    right = entries.seal(both, keys.in_force_at(last).seal_key) == row["seal"]
    return digest(entries.text(both, row["seal"])) if right else None


def _line(item: Mapping[str, Any]) -> str:
    return canonical(item) + "\n"


def csv_lines(wanted: Wanted) -> Iterator[str]:
    """Yield an export as CSV with a heading."""
    fresh_view()
    try:
        yield csv_line(CSV_COLUMNS)
        yield from map(csv_row, rows(wanted))
    finally:
        db.session.rollback()


def csv_row(row: Mapping[str, Any]) -> str:
    """Return an entry as a line of CSV."""
    return csv_line(["" if row[name] is None else str(row[name]) for name in CSV_COLUMNS])


def csv_line(cells: Iterable[str]) -> str:
    """Return cells as a line of CSV; one that a spreadsheet would run gets a `'` before it."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return line.getvalue()
