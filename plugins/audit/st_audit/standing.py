"""How the log stands, for whoever looks: what a check found, with the hash it ends in and the key
that sealed it, and which entries lie in files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from st_core.db import db

from . import archives, keys, reading, verification
from .models import AuditSegment
from .verifier import Report, fingerprint


@dataclass(frozen=True)
class Checked:
    """What a check found, and in how many seconds.

    `last_hash` is that of the last entry checked, `key` the fingerprint of the key in force there;
    None when nothing was checked, or the entry is gone.
    """

    report: Report
    seconds: float
    last_hash: str | None
    key: str | None

    @property
    def sentence(self) -> str:
        """Return it in one sentence."""
        return verification.sentence(self.report, self.seconds)


def check(
    first: int | None = None,
    last: int | None = None,
    anchors: Iterable[Mapping[str, Any]] = (),
) -> Checked:
    """Check the log, or entries `first` to `last`. Raises SetTimeRule as `verification.verify`."""
    report, seconds = verification.verify(first, last, anchors)
    at = report.last_number
    return Checked(
        report, seconds, None if at is None else _hash(at), None if at is None else _key(at)
    )


def _hash(number: int) -> str | None:
    """Return the hash of an entry, also of the last one of an archive."""
    row = reading.one(number)
    if row is not None:
        return str(row["entry_hash"])
    segment = db.session.get(AuditSegment, number)
    return None if segment is None else str(json.loads(segment.statement)["hash"])


def _key(number: int) -> str | None:
    """Return the fingerprint of the key that was in force at an entry."""
    fitting = [row for row in keys.rows() if row.number <= number]
    return fingerprint(bytes.fromhex(fitting[-1].public)) if fitting else None


def archived(most: int) -> list[dict[str, Any]]:
    """Return the newest archives, and whether their files are here."""
    query = select(AuditSegment).order_by(AuditSegment.last.desc()).limit(most)
    return [
        {
            "file": row.file,
            "first": row.first,
            "last": row.last,
            "created_at": row.created_at,
            "is_here": (archives.folder() / row.file).is_file(),
        }
        for row in db.session.scalars(query)
    ]
