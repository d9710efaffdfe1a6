"""Checkpoints: signed statements on where the log was, and those of them that people take away.

One is made with every `audit.checkpoint_entries` entries, by the service when some are older than
`audit.checkpoint_minutes`, and on demand. A copy kept elsewhere is an anchor: it tells when the log
is cut or an older copy is put in its place.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from st_core.clock import now
from st_core.db import assert_unit_of_work, db, unit_of_work, upsert
from st_core.errors import NotFound
from st_core.services import settings

from .entries import timestamp
from .keys import Signer
from .models import AuditCheckpoint
from .verifier import canonical

if TYPE_CHECKING:
    from .ledger import Head


def statement(
    kind: str, log: str, number: int, hash_: str, signer: Signer, **more: Any
) -> dict[str, Any]:
    """Return a signed statement that entry `number` of the log has this hash."""
    said = {"kind": kind, "log": log, "number": number, "hash": hash_, "at": timestamp(now())}
    return signer.signed({**said, **more})


def place(signer: Signer, head: Head) -> None:
    """Step: store a checkpoint at `head`, unless there is one."""
    assert_unit_of_work()
    said = statement("checkpoint", head.log, head.number, head.hash, signer)
    db.session.execute(
        upsert(AuditCheckpoint)
        .values(number=head.number, statement=canonical(said), created_at=now())
        .on_conflict_do_nothing()
    )


def make() -> dict[str, Any]:
    """Command: return the checkpoint of the newest entry, made now when there is none.

    Raises NotFound while the log is empty, HeadForged when its end cannot be trusted.
    """
    from . import ledger

    with unit_of_work():
        if not ledger.read().log:
            raise NotFound("the audit log has no entries yet", code="audit_log_empty")
        memory = ledger.checked()
        place(memory.signer, memory.head)
        row = db.session.get_one(AuditCheckpoint, memory.head.number)
        made: dict[str, Any] = json.loads(row.statement)
        return made


def newest() -> AuditCheckpoint | None:
    """Return the newest checkpoint there is."""
    query = select(AuditCheckpoint).order_by(AuditCheckpoint.number.desc()).limit(1)
    return db.session.scalar(query)


def run() -> None:
    """Service: see to it that no entry waits longer than the setting says for a checkpoint."""
    from . import ledger

    last, head = newest(), ledger.read()
    longest = timedelta(minutes=settings.value("audit.checkpoint_minutes"))
    if head.number > (last.number if last else 0) and (
        last is None or now() - last.created_at >= longest
    ):
        make()
