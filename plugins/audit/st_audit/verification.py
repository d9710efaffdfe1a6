"""Check the log in the database and its archives: whole or a range, with or without anchors.

Beyond what `verifier` sees in an export, the server knows the key of seals: it names an entry that
was changed even when every hash after it was made anew, and tells whether the end was moved.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from st_core.db import db, fresh_view, table_of
from st_core.errors import SetTimeRule
from st_core.models import Lock
from st_core.secrets import SecretLost

from . import archives, entries, keys, ledger
from .ledger import Head
from .models import AuditCheckpoint, AuditEntry, AuditSegment
from .verifier import GENESIS, Chain, Report, canonical, is_signed, read_keys

_ENTRIES = table_of(AuditEntry)
BATCH = 2000


@dataclass
class Keys:
    """The keys of a log: what signatures are checked with, and seals, by first entry."""

    public: Mapping[str, Any]
    seals: list[tuple[int, bytes | None]] = field(default_factory=list)

    def seal_key(self, number: int) -> bytes | None:
        """Return the key that sealed entry `number`, None when it is lost."""
        fitting = [key for first, key in self.seals if first <= number]
        return fitting[-1] if fitting else None


class Check:
    """One walk over the log, in one view of the database."""

    def __init__(self, first: int | None, last: int | None) -> None:
        self.first, self.last = first, last
        self.notes: list[str] = []
        self.head = ledger.read()
        self.keys = self._read_keys()
        self.segments = list(db.session.scalars(select(AuditSegment).order_by(AuditSegment.last)))
        self.chain = self._begin()

    @property
    def is_to_the_end(self) -> bool:
        """Tell whether the walk reaches the end of the log."""
        return self.last is None or self.last >= self.head.number

    def _read_keys(self) -> Keys:
        stored = keys.rows()
        found = Keys(read_keys(keys.pem()) if stored else {})
        for row in stored:
            try:
                found.seals.append((row.number, keys.opened(row).seal_key))
            except SecretLost as error:
                found.seals.append((row.number, None))
                self.notes.append(f"seals from entry {row.number} on were not checked: {error}")
        return found

    def _begin(self) -> Chain:
        """Return the chain, set to where the walk begins and what it must continue."""
        if self.first is None or self.first <= 1:
            return Chain(1, GENESIS)
        return Chain(self.first, self._hash_of(self.first - 1))

    def _hash_of(self, number: int) -> str | None:
        """Return the hash of an entry that is not walked itself, None when it is not known."""
        for segment in self.segments:
            if segment.last == number and (said := self._signed(segment.statement)):
                return str(said["hash"])
        query = select(_ENTRIES.c.entry_hash).where(_ENTRIES.c.number == number)
        return db.session.scalar(query)

    def _signed(self, text: str) -> Mapping[str, Any] | None:
        """Return a stored statement if this server signed it for this log."""
        try:
            said = json.loads(text)
        except ValueError:
            return None
        right = isinstance(said, dict) and is_signed(said, self.keys.public)
        return said if right and said["log"] == self.head.log else None

    def run(self, anchors: Sequence[Mapping[str, Any]]) -> Report:
        """Walk, and return what was found."""
        chain = self.chain
        for anchor in anchors:
            if not is_signed(anchor, self.keys.public) or anchor.get("log") != self.head.log:
                raise SetTimeRule(
                    "An anchor was not signed by this log's key, or is of another log. Take the "
                    "one that this server gave out.",
                    code="foreign_anchor",
                )
            chain.anchors.append(dict(anchor))
        self._archived()
        self._stored()
        if self.is_to_the_end:
            self._end()
        report = chain.end(self.is_to_the_end)
        report.notes[:0] = self.notes
        return report

    def _within(self, first: int, last: int) -> bool:
        return last >= (self.first or 1) and (self.last is None or first <= self.last)

    # ── what lies in files ────────────────────────────────────────────────────────────────────────

    def _archived(self) -> None:
        for segment in self.segments:
            said = self._signed(segment.statement)
            if not said or (said["number"], said.get("first")) != (segment.last, segment.first):
                message = f"the record of the archive {segment.file} was changed"
                self.chain.find(segment.first, "changed", message)
                said = None
            if self._within(segment.first, segment.last):
                self._segment(segment, said)

    def _segment(self, segment: AuditSegment, said: Mapping[str, Any] | None) -> None:
        """Walk one archive; when its file is elsewhere, go on behind it."""
        lines = archives.lines(segment.file)
        chain = self.chain
        if lines is None:
            self.notes.append(
                f"entries {segment.first} to {segment.last} lie in {segment.file}, which is not "
                "here; only its signed end was used"
            )
            if (chain.expected or 1) < segment.first:
                chain.find(chain.expected or 1, "missing", f"nothing before {segment.file}")
            chain.expected = segment.last + 1
            chain.previous = str(said["hash"]) if said else None
            return
        for line in lines:
            self._line(line, segment)
        if said and self.last is None:
            chain.vouch(segment.last, str(said["hash"]), f"the signed end of {segment.file}")
        if self.last is None or self.last >= segment.last:
            chain.expected = segment.last + 1

    def _line(self, line: str, segment: AuditSegment) -> None:
        try:
            item = json.loads(line)
            is_entry = item["kind"] == "entry"
            number = int(item["number"]) if is_entry else 0
        except (ValueError, TypeError, KeyError):
            message = f"a line of {segment.file} cannot be read"
            self.chain.find(self.chain.expected or segment.first, "changed", message)
            return
        if is_entry and self._within(number, number):
            row = {**item, **{name: _text(item.get(name)) for name in entries.JSON_FIELDS}}
            filled = {name: row.get(name) for name in entries.COLUMNS}
            self._take(filled, exact=entries.line(filled) == line.rstrip("\n"))

    # ── what lies in the database ─────────────────────────────────────────────────────────────────

    def _stored(self) -> None:
        """Walk the table; a number that was archived has no business there."""
        archived = self.segments[-1].last if self.segments else 0
        checkpoints = self._checkpoints()
        for row in self._rows():
            number = row["number"]
            if number <= archived:
                message = f"entry {number} is archived, and yet in the database"
                self.chain.find(number, "misplaced", message)
                continue
            if number > self.head.number:
                message = f"entry {number} lies behind the end of the log, {self.head.number}"
                self.chain.find(number, "misplaced", message)
                continue
            self._take(row)
            if number in checkpoints:
                what = f"the checkpoint of entry {number}"
                self.chain.vouch(number, checkpoints[number], what)

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        at: int | None = None if self.first is None else self.first - 1
        while True:
            query = select(_ENTRIES).order_by(_ENTRIES.c.number).limit(BATCH)
            if at is not None:
                query = query.where(_ENTRIES.c.number > at)
            if self.last is not None:
                query = query.where(_ENTRIES.c.number <= self.last)
            found = entries.rows_of(db.session.execute(query))
            yield from found
            if len(found) < BATCH:
                return
            at = found[-1]["number"]

    def _checkpoints(self) -> dict[int, str]:
        """Return number → hash of the checkpoints in range; one that was changed is a finding."""
        found = {}
        for row in db.session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.number)):
            said = self._signed(row.statement)
            if said is None or said["number"] != row.number:
                message = f"the checkpoint of entry {row.number} was changed"
                self.chain.find(row.number, "checkpoint", message)
            elif self._within(row.number, row.number):
                found[row.number] = str(said["hash"])
        return found

    def _take(self, row: Mapping[str, Any], exact: bool = True) -> None:
        both = entries.parts(row)
        number = row["number"]
        key = self.keys.seal_key(number) if isinstance(number, int) else None
        altered = ""
        if not exact:
            altered = f"entry {number} is not in the form it was written in"
        elif key and not hmac.compare_digest(str(row["seal"]).encode(), _seal(both, key)):
            altered = f"entry {number} was not written by this server, or changed since"
        self.chain.entry(row, entries.text(both, row["seal"]), altered=altered)
        if key and not altered:
            self.chain.proven = max(self.chain.proven, number)

    # ── where it ends ─────────────────────────────────────────────────────────────────────────────

    def _end(self) -> None:
        chain, head = self.chain, self.head
        if (self.first or 1) > head.number + 1:
            self.notes.append(f"the log ends at entry {head.number}, before the range begins")
        if not head.number or (self.first or 1) > head.number:
            return
        if not self._is_true(head):
            first = min(chain.expected or 1, head.number + 1)
            chain.find(first, "end", f"the end of the log, entry {head.number}, was moved")
        chain.vouch(head.number, head.hash, "the end of the log says so")
        journal = db.session.scalar(select(Lock.value).where(Lock.name == "journal")) or 0
        if journal != head.event_id:
            message = f"the journal has {journal} events, the log knows of {head.event_id}"
            chain.find(chain.expected or 1, "missing", message)

    def _is_true(self, head: Head) -> bool:
        if self.keys.seals and self.keys.seals[-1][1] is None:
            return True  # the key is lost, which a note says
        signer = keys.load(head.key_number)
        return signer is not None and head.is_true(signer)


def _seal(both: tuple[str, str], key: bytes) -> bytes:
    return entries.seal(both, key).encode()


def _text(value: Any) -> str | None:
    return None if value is None else canonical(value)


def verify(
    first: int | None = None,
    last: int | None = None,
    anchors: Iterable[Mapping[str, Any]] = (),
) -> tuple[Report, float]:
    """Return what a check of the log, or of entries `first` to `last`, found, and its seconds.

    Raises SetTimeRule for a range that begins behind its end, or an anchor of another log.
    """
    if first is not None and last is not None and first > last:
        raise SetTimeRule(f"The range begins at {first} and ends at {last}; turn it round.")
    began = time.monotonic()
    fresh_view()
    try:
        report = Check(first, last).run(list(anchors))
    finally:
        db.session.rollback()
    return report, time.monotonic() - began


def sentence(report: Report, seconds: float) -> str:
    """Return a report in one sentence."""
    if not report.valid:
        first = report.findings[0]
        return f"The audit log was changed: {first.message}."
    if not report.entries_checked:
        return "There are no entries to check."
    span = f"from entry {report.first_number:,} to {report.last_number:,}"
    return f"Chain intact: {report.entries_checked:,} entries checked in {seconds:.1f} s, {span}."
