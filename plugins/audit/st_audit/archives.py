"""Retention: entries past their time move into a signed file, and the chain goes on behind them.

The files lie in `audit/` of the state folder, one per segment, in the form of an export: the
verifier reads them. A segment leaves the database only after its file is on the disk for good, and
nothing leaves that was changed, or that a sink has not taken yet.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import delete, func, select

from st_core.clock import now
from st_core.db import db, table_of, unit_of_work
from st_core.errors import StError
from st_core.failpoints import failpoint
from st_core.services import events, settings

from . import exports, ledger, verification
from .entries import timestamp
from .models import AuditCheckpoint, AuditEntry, AuditSegment, AuditSink

log = logging.getLogger(__name__)
_ENTRIES = table_of(AuditEntry)
#: Most entries of one file.
SEGMENT_ENTRIES = 10_000


class Broken(StError):
    """Entries that should be archived were changed (500)."""

    code, title = "audit_log_broken", "The audit log was changed"


def folder() -> Path:
    """Return where archives lie; made when first needed, readable by the server alone."""
    state_dir: Path = current_app.extensions["st"].state_dir
    found = state_dir / "audit"
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def lines(file: str) -> Iterator[str] | None:
    """Return the lines of an archive, None when it is not here."""
    try:
        opened = (folder() / Path(file).name).open(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    return _closing(opened)


def _closing(opened: Iterator[str]) -> Iterator[str]:
    with opened:  # type: ignore[attr-defined]
        yield from opened


def purge(dry_run: bool) -> int:
    """Command: archive what is past its time; return how many entries went, or would go.

    Raises Broken when they were changed: those stay, so that somebody can look.
    """
    days = settings.value("audit.retention_days")
    last = _last_before(timestamp(now() - timedelta(days=days))) if days else 0
    if dry_run:
        query = select(func.count()).select_from(_ENTRIES).where(_ENTRIES.c.number <= last)
        return db.session.scalar(query) or 0
    gone = 0
    while moved := _archive(last):
        gone += moved
    return gone


def _last_before(moment: str) -> int:
    """Return the last entry before which, itself included, everything is older and delivered."""
    younger = db.session.scalar(
        select(func.min(_ENTRIES.c.number)).where(_ENTRIES.c.timestamp >= moment)
    )
    last = ledger.read().number if younger is None else younger - 1
    waits = db.session.scalar(select(func.min(AuditSink.cursor)).where(AuditSink.enabled))
    return last if waits is None else min(last, waits)


def _archive(last: int) -> int:
    """Command: move the oldest entries, up to `last`, into a file; return how many."""
    numbers = db.session.scalars(
        select(_ENTRIES.c.number)
        .where(_ENTRIES.c.number <= last)
        .order_by(_ENTRIES.c.number)
        .limit(SEGMENT_ENTRIES)
    ).all()
    if not numbers:
        return 0
    first, last = numbers[0], numbers[-1]
    report, _ = verification.verify(first, last)
    if not report.valid:
        raise Broken(
            f"Entries {first} to {last} were not archived: {report.findings[0].message}. "
            "See `flask st audit verify`."
        )
    memory = ledger.checked()
    name = f"entries-{first:012d}-{last:012d}.jsonl"
    written = exports.closed(first, last, "segment", memory)
    statement = _write(folder() / name, written)
    failpoint("audit.archived")
    with unit_of_work(gate="submit"):
        if db.session.scalar(select(func.min(_ENTRIES.c.number))) != first:
            return 0  # another process was faster
        db.session.add(
            AuditSegment(first=first, last=last, file=name, statement=statement, created_at=now())
        )
        db.session.execute(delete(AuditEntry).where(AuditEntry.number <= last))
        db.session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.number <= last))
        events.emit(
            "audit.archived",
            subject=("audit", name),
            data={"first": first, "last": last},
            message=f"Entries {first} to {last} moved into {name}",
        )
    log.info("audit entries %d to %d moved into %s", first, last, name)
    return len(numbers)


def _write(path: Path, written: Iterator[str]) -> str:
    """Put the lines into a file that is there whole or not at all; return the last of them."""
    draft, line = path.with_suffix(".part"), ""
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        for line in written:
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)  # the file's name survives a power cut, too
    finally:
        os.close(handle)
    return line.rstrip("\n")
