"""Go on with the log where it cannot go on by itself: another key, a moved end, a lost key.

Each of these is an entry. The journal's lock comes first, as everywhere the end of the log is
moved.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import func, select, update

from st_core.db import db, table_of, unit_of_work
from st_core.errors import Conflict
from st_core.models import Lock
from st_core.secrets import SecretLost
from st_core.services import events

from . import checkpoints, keys, ledger
from .keys import Signer
from .ledger import Head, HeadForged
from .models import AuditEntry, AuditHead, AuditSegment
from .verifier import GENESIS

_ENTRIES = table_of(AuditEntry)


def follow_setting() -> None:
    """Command: when `audit.key` is another than the key in force, that one is in force from now
    on."""
    stored, wanted = keys.rows(), keys.given(0)
    if stored and wanted and stored[-1].public != wanted.public.hex():
        rotate_key()


def rotate_key() -> str:
    """Command: make a new signing key and return its fingerprint; a last checkpoint is signed with
    the old one.

    Raises HeadForged when the end of the log cannot be trusted, Conflict when nothing is in it yet.
    """
    with unit_of_work(gate="submit"):
        _lock_journal()
        if not ledger.read().log:
            raise Conflict("The audit log has no entries yet, and no key to replace.")
        old = ledger.checked()
        checkpoints.place(old.signer, old.head)
        head = old.head
        signer = keys.create(head.number + 1)
        _move(Head(head.log, head.number, head.hash, head.event_id, signer.number), signer)
        events.emit(
            "audit.key_rotated",
            subject=("audit", "key"),
            before={"key": old.signer.name},
            after={"key": signer.name},
            message="The audit log has a new signing key",
        )
    return signer.name


def resume(reason: str) -> int:
    """Command: let the log go on behind its last entry, whoever moved its end; return its number.

    What is wrong stays to be found: nothing that was written is changed, and the new entry says
    what the end was. Raises Conflict when there is nothing to repair.
    """
    with unit_of_work(gate="submit"):
        _lock_journal()
        found, trusted = _found()
        if trusted:
            raise Conflict("The audit log can be continued as it is; there is nothing to repair.")
        number, hash_ = _last()
        signer, is_new = _signer(number)
        log = (found.log if found else "") or uuid.uuid4().hex
        _move(Head(log, number, hash_, events.head(), signer.number), signer)
        events.emit(
            "audit.resumed",
            subject=("audit", "log"),
            before={"number": found.number, "hash": found.hash} if found else None,
            after={"number": number, "hash": hash_, "key": signer.name, "new_key": is_new},
            message=reason,
        )
    return number + 1


def _lock_journal() -> None:
    db.session.execute(select(Lock.value).where(Lock.name == "journal").with_for_update())


def _found() -> tuple[Head | None, bool]:
    """Return the end as the database says, and whether it can be trusted."""
    try:
        head = ledger.read()
        if not head.log and not head.number and not keys.rows():
            return head, True
        return ledger.checked().head, True
    except SecretLost:
        return ledger.read(), False
    except HeadForged:
        row = db.session.get(AuditHead, 1)
        return (ledger.read() if row else None), False


def _last() -> tuple[int, str]:
    """Return number and hash of the last entry there is, in the database or archived."""
    newest = select(_ENTRIES.c.number, _ENTRIES.c.entry_hash).order_by(_ENTRIES.c.number.desc())
    row = db.session.execute(newest.limit(1)).first()
    if row is not None:
        return row.number, row.entry_hash
    last = db.session.scalar(select(func.max(AuditSegment.last)))
    if last is None:
        return 0, GENESIS
    segment = db.session.get_one(AuditSegment, last)
    return last, str(json.loads(segment.statement)["hash"])


def _signer(number: int) -> tuple[Signer, bool]:
    """Return the key to go on with, and whether it had to be made."""
    stored = keys.rows()
    try:
        if stored:
            return keys.opened(stored[-1]), False
    except SecretLost:
        pass
    return keys.create(number + 1), True


def _move(head: Head, signer: Signer) -> None:
    """Step: let the log end there, whatever the row says now."""
    values = vars(head.sealed(signer))
    done: Any = db.session.execute(update(table_of(AuditHead)).values(values))
    if done.rowcount == 0:
        db.session.add(AuditHead(id=1, **values))
        db.session.flush()
