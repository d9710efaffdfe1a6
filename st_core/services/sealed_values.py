"""Every stored secret at once: which can still be opened, and sealing all of them under a new key.

The places are the columns that say so themselves (`info={"sealed": …}`, see `st_core.secrets`), the
core's and those of enabled plugins.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Column, Table, exists, select, update

from .. import schema, secrets
from ..db import db, unit_of_work
from ..keyring import VARIABLE
from . import events

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cell:
    """One column of one row that holds sealed texts; `values` are (purpose, sealed text) pairs."""

    table: Table
    column: Column[Any]
    row: dict[str, Any]
    purpose: str
    content: Any

    @property
    def values(self) -> list[tuple[str, str]]:
        """List what is sealed in here."""
        found: list[tuple[str, str]] = []
        self._changed(lambda sealed, purpose: found.append((purpose, sealed)))
        return found

    def resealed(self) -> Any:
        """Return the content sealed anew. Raises SecretLost when a part cannot be opened."""

        def anew(sealed: str, purpose: str) -> Any:
            fresh = secrets.seal(secrets.unseal(sealed, purpose), purpose)
            return fresh if isinstance(self.content, str) else {"sealed": fresh}

        return self._changed(anew)

    def _changed(self, change: Any) -> Any:
        if isinstance(self.content, str):
            return change(self.content, self.purpose)
        return secrets.within(self.content, self.purpose, change)


@dataclass(frozen=True)
class Standing:
    """How stored secrets stand: how many opened, and why the others did not, by purpose."""

    opened: int
    lost: dict[str, str]
    old_keys: tuple[str, ...] = ()


def cells() -> Iterator[Cell]:
    """Yield every cell that may hold a sealed text, of the core and of enabled plugins."""
    columns = _columns()
    if not columns:
        return
    filled = db.session.execute(  # one question for all: most of them are empty
        select(*(exists().where(column.is_not(None)).label(None) for column in columns))
    ).one()
    for column, has_any in zip(columns, filled, strict=True):
        if has_any:
            table, purpose = column.table, column.info["sealed"]
            rows = db.session.execute(select(table).where(column.is_not(None))).mappings()
            for row in map(dict, rows.all()):
                yield Cell(table, column, row, purpose.format_map(row), row[column.name])


def _columns() -> list[Column[Any]]:
    """Return the columns that say that they hold sealed texts."""
    app = _app()
    enabled, owners = schema.lineages(app), schema.owners(app)
    return [
        column
        for table in db.metadata.tables.values()
        for column in table.columns
        if column.info.get("sealed") and any(each.owns(table.name, owners) for each in enabled)
    ]


def standing() -> Standing:
    """Try to open every stored secret; nothing is kept of what was opened."""
    opened = 0
    lost: dict[str, str] = {}
    for cell in cells():
        for purpose, sealed in cell.values:
            try:
                secrets.unseal(sealed, purpose)
                opened += 1
            except secrets.SecretLost as error:
                lost[purpose] = error.detail
    return Standing(opened, lost)


def warn_of_lost() -> None:
    """Tell the log, once at the start, which stored secrets cannot be read and what to do.

    Raises ConfigError when what should be a key is none.
    """
    secrets.keyring().known()
    lost = standing().lost
    if not lost:
        return
    named = ", ".join(sorted(lost)[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
    log.error(
        "%d stored secrets cannot be read and count as not set: %s. Put %s (or %s) back from the "
        "backup and start again, or set them anew; `flask st secrets check` says more.",
        len(lost),
        named,
        secrets.keyring().path,
        VARIABLE,
    )


def rotate(*, forget: bool = False) -> Standing:
    """Command: make a new key and seal everything under it.

    The key before it stays in the file, for a process that is just storing something; older ones go
    once nothing needs them, with `forget` the last one, too. When the environment gives the keys,
    none is made: everything moves to the first of them. What cannot be opened stays as it is, and
    then no key goes.
    """
    ring = secrets.keyring()
    before = ring.filed()
    if not ring.given:
        ring.add()
    opened = 0
    lost: dict[str, str] = {}
    with unit_of_work(gate="submit"):
        for cell in cells():
            values = cell.values
            try:
                content = cell.resealed() if values else None
            except secrets.SecretLost as error:
                lost |= {purpose: error.detail for purpose, _ in values}
                continue
            opened += len(values)
            if values:
                _store(cell, content)
        events.emit(
            "secrets.rotated",
            subject=("secrets", ring.sealing().id),
            before={"key": before[0].id if before else None},
            after={"key": ring.sealing().id},
            data={"resealed": opened, "lost": len(lost)},
        )
    if before and not lost and not schema.left_behind(_app()):  # theirs are still under old keys
        ring.drop(key.id for key in before[0 if forget else 1 :])
    return Standing(opened, lost, tuple(key.id for key in ring.filed()[1:]))


def _store(cell: Cell, content: Any) -> None:
    """Step: write a cell's new content."""
    its_row = [column == cell.row[column.name] for column in cell.table.primary_key]
    db.session.execute(update(cell.table).where(*its_row).values({cell.column: content}))


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]
