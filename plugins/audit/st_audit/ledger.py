"""Write the log: the last step of every unit of work that emitted events.

One INSERT for all its entries and one UPDATE of the head, under the journal's lock, which makes the
numbers gapless and the chain one, whatever processes write. What this process wrote last is kept in
memory as a guess of where the log ends; the UPDATE only fits when the guess is right.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, insert, select, update

from st_core.db import db, table_of, writing
from st_core.errors import StError
from st_core.services import settings

from . import checkpoints, entries, keys
from .keys import Signer
from .models import AuditEntry, AuditHead
from .verifier import GENESIS, canonical

_HEADS = table_of(AuditHead)
_INSERT = insert(table_of(AuditEntry))
_READ = select(_HEADS)
_MOVE = (
    update(_HEADS)
    .where(
        _HEADS.c.number == bindparam("from_number"),
        _HEADS.c.hash == bindparam("from_hash"),
        _HEADS.c.seal == bindparam("from_seal"),
    )
    .values(
        log=bindparam("to_log"),
        number=bindparam("to_number"),
        hash=bindparam("to_hash"),
        event_id=bindparam("to_event_id"),
        key_number=bindparam("to_key_number"),
        seal=bindparam("to_seal"),
    )
)


MOVED = (
    "The end of the audit log (entry {}) was not written by this server, so nothing can be "
    "recorded and nothing can be changed. Look what happened with `flask st audit verify`; "
    "`flask st audit resume` goes on and keeps a note of it."
)


class HeadForged(StError):
    """Somebody else than this server moved the end of the log (503)."""

    status, code, title = 503, "audit_head_forged", "The audit log cannot be continued"


@dataclass(frozen=True)
class Head:
    """Where the log ends; `seal` is what the row says, whether it is right or not."""

    log: str
    number: int
    hash: str
    event_id: int
    key_number: int
    seal: str = ""

    def sealed(self, signer: Signer) -> Head:
        """Return the same end with the seal it must have."""
        said = canonical([self.log, self.number, self.hash, self.event_id, self.key_number])
        return replace(self, seal=hmac.digest(signer.seal_key, said.encode(), "sha256").hex())

    def is_true(self, signer: Signer) -> bool:
        """Tell whether this server wrote it."""
        return hmac.compare_digest(self.seal.encode(), self.sealed(signer).seal.encode())


@dataclass
class Memory:
    """What one process knows: the key in force, and where it believes the log to end."""

    signer: Signer
    head: Head


def record(events: Sequence[Mapping[str, Any]]) -> None:
    """Step: append the journal's new rows to the log.

    Raises HeadForged when its end was moved, SecretLost when the key is gone: then nothing is
    recorded and nothing changes.
    """
    made = [entries.of_event(event) for event in events]
    memory: Memory | None = current_app.extensions.get("audit")
    if memory is None or not _append(memory, made):
        memory = _look()
        if not _append(memory, made):
            raise RuntimeError("the head of the audit log moved without the journal's lock")
    writing().execute(_INSERT, made)
    every = settings.value("audit.checkpoint_entries")
    if memory.head.number // every > (made[0]["number"] - 1) // every:
        checkpoints.place(memory.signer, memory.head)


def _append(memory: Memory, made: list[dict[str, Any]]) -> bool:
    """Step: number and close entries behind the end as remembered; tell whether it was right."""
    here = memory.head
    number, previous = here.number, here.hash
    seal_key = memory.signer.seal_key
    for entry in made:
        number += 1
        entry["number"], entry["previous_hash"] = number, previous
        entries.close(entry, seal_key)
        previous = entry["entry_hash"]
    there = replace(here, number=number, hash=previous, event_id=made[-1]["event_id"])
    there = there.sealed(memory.signer)
    moved = move(here, there)
    if moved:
        memory.head = there  # taken back with the rest, it fits no more
    return moved


def move(here: Head, there: Head) -> bool:
    """Step: let the log end `there` if it ends `here`; tell whether it did."""
    values = {f"to_{name}": value for name, value in vars(there).items()}
    old = {"from_number": here.number, "from_hash": here.hash, "from_seal": here.seal}
    return writing().execute(_MOVE, {**values, **old}).rowcount == 1


def _look() -> Memory:
    """Read where the log ends, and begin it when it has no key yet. Raises HeadForged."""
    head = read()
    signer = keys.load(head.key_number) if head.log else None
    if signer is None:
        return _begin(head)
    if not head.is_true(signer):
        raise HeadForged(MOVED.format(head.number))
    memory = Memory(signer, head)
    current_app.extensions["audit"] = memory
    return memory


def _begin(head: Head) -> Memory:
    """Step: give a new log its id and its first key. Raises HeadForged when it is not new."""
    if head.number or head.hash != GENESIS or keys.rows():
        raise HeadForged(
            "The audit log has entries, but its end or its key is gone, so nothing can be "
            "recorded. Restore the database, or go on with `flask st audit resume`."
        )
    signer = keys.create(1)
    born = replace(head, log=uuid.uuid4().hex, key_number=1).sealed(signer)
    move(head, born)
    return Memory(signer, born)  # not remembered: it may be taken back


def checked() -> Memory:
    """Return where the log ends and its key. Raises HeadForged when that cannot be trusted."""
    head = read()
    signer = keys.load(head.key_number) if head.log else None
    if signer is None or not head.is_true(signer):
        raise HeadForged(MOVED.format(head.number))
    return Memory(signer, head)


def read() -> Head:
    """Return where the log ends, as the database says. Raises HeadForged when it says nothing."""
    row = db.session.execute(_READ).mappings().one_or_none()
    if row is None:
        raise HeadForged("The audit log's end is gone from the database. Restore the database.")
    return Head(**{name: value for name, value in row.items() if name != "id"})
