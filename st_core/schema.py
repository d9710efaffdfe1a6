"""Lineages of migrations: the core's, and one per plugin that brings tables, each with its own
version table.

Order is core first, then plugins in list order. On SQLite a lineage runs with foreign keys off,
because a batch rebuild of a table would otherwise fire ON DELETE and wipe other people's rows; the
keys are checked afterwards.

Alembic is imported when something has to be migrated; that nothing has to be is known without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import Column, Connection, Table, inspect, text

from . import revisions
from .config import resource_dir
from .db import db
from .errors import ConfigError

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

log = logging.getLogger(__name__)
CORE = "core"


@dataclass(frozen=True)
class Lineage:
    """One owner's migrations: where they are, and the table that says how far they have run."""

    owner: str
    folder: Path
    version_table: str
    prefixes: tuple[str, ...] = ()

    def owns(self, table: str, others: list[str]) -> bool:
        """Tell whether `table` belongs to this lineage; the longest plugin name that fits owns
        it."""
        fitting = [name for name in others if table.startswith(f"{name}_")]
        owner = max(fitting, key=len) if fitting else CORE
        return owner == self.owner


def compared(lineage: Lineage, owners: list[str]) -> Callable[..., bool]:
    """Return Alembic's `include_object` for a lineage: what autogenerate compares.

    Its own tables; not the indexes on expressions, which SQLite cannot tell back (they are written
    into a migration by hand).
    """
    by_hand = {
        index.name
        for table in db.metadata.tables.values()
        for index in table.indexes
        if not all(isinstance(each, Column) for each in index.expressions)
    }

    def is_compared(_item: Any, name: str | None, kind: str, *_: Any) -> bool:
        if kind == "table":
            return not str(name).startswith("alembic_version") and lineage.owns(str(name), owners)
        return kind != "index" or name not in by_hand

    return is_compared


def lineages(app: Flask) -> list[Lineage]:
    """Return the core's lineage, then those of enabled plugins that bring a `migrations` folder."""
    found = [Lineage(CORE, resource_dir("migrations") / "versions", "alembic_version")]
    for name, module in app.extensions["st"].plugins.modules.items():
        folder = Path(module.__file__ or ".").parent / "migrations"
        if folder.is_dir():
            found.append(Lineage(name, folder, f"alembic_version_{name}"))
    return found


def owners(app: Flask) -> list[str]:
    """Return the names that may own tables: every installed plugin, enabled or not."""
    return list(app.extensions["st"].plugins.installed)


def alembic_config(
    app: Flask, lineage: Lineage, connection: Connection | None = None
) -> AlembicConfig:
    """Return Alembic's configuration for one lineage."""
    from alembic.config import Config as AlembicConfig

    settings = AlembicConfig()
    settings.set_main_option("script_location", str(resource_dir("migrations")))
    settings.set_main_option("version_locations", str(lineage.folder))
    settings.set_main_option("path_separator", "newline")
    settings.attributes["lineage"] = lineage
    settings.attributes["owners"] = owners(app)
    settings.attributes["connection"] = connection
    return settings


def lineage_of(app: Flask, owner: str) -> Lineage:
    """Return one lineage by its owner. Raises ConfigError when there is none."""
    for lineage in lineages(app):
        if lineage.owner == owner:
            return lineage
    raise ConfigError(f"{owner} brings no migrations, or is not enabled")


def pending(app: Flask) -> list[tuple[Lineage, str | None, str | None]]:
    """Return (lineage, current, head) of every lineage that is not at its head."""
    with app.app_context(), db.engine.connect() as connection:
        stands = revisions.current(connection)
    behind = []
    for lineage in lineages(app):
        head, here = _head(app, lineage), stands.get(lineage.version_table)
        if here != head:
            behind.append((lineage, here, head))
    return behind


def _head(app: Flask, lineage: Lineage) -> str | None:
    """Return the newest revision of a lineage; Alembic decides where the files do not say it
    plainly."""
    try:
        return revisions.head(lineage.folder)
    except revisions.Unclear:
        from alembic.script import ScriptDirectory

        return ScriptDirectory.from_config(alembic_config(app, lineage)).get_current_head()


def upgrade(app: Flask, owner: str | None = None, revision: str = "head") -> list[str]:
    """Run every pending migration (or one owner's); return the owners that moved."""
    from alembic import command

    moved = []
    for lineage in lineages(app):
        if owner in (None, lineage.owner):
            with app.app_context(), _keys_off() as connection:
                before = revisions.current(connection)
                command.upgrade(alembic_config(app, lineage, connection), revision)
                if revisions.current(connection) != before:
                    moved.append(lineage.owner)
    return moved


def downgrade(app: Flask, owner: str, revision: str = "base") -> None:
    """Take one lineage back to `revision`."""
    from alembic import command

    with app.app_context(), _keys_off() as connection:
        command.downgrade(alembic_config(app, lineage_of(app, owner), connection), revision)


def purge(app: Flask, owner: str) -> None:
    """Drop a plugin's tables and its version table; its rows are gone afterwards."""
    if owner == CORE:
        raise ConfigError("the core's tables cannot be purged")
    downgrade(app, owner)
    with app.app_context(), db.engine.begin() as connection:
        Table(f"alembic_version_{owner}", db.metadata.__class__()).drop(connection, checkfirst=True)


def left_behind(app: Flask) -> list[str]:
    """Return the owners of tables whose plugin is not enabled any more."""
    with app.app_context():
        tables = inspect(db.engine).get_table_names()
    enabled = set(app.extensions["st"].plugins.modules)
    versions = [
        name.removeprefix("alembic_version_")
        for name in tables
        if name.startswith("alembic_version_")
    ]
    return sorted(set(versions) - enabled)


def ensure(app: Flask) -> None:
    """Migrate SQLite by itself; for any other database raise ConfigError with the command while
    one is pending."""
    with app.app_context():
        sqlite = db.engine.dialect.name == "sqlite"
    if sqlite:
        with _one_at_a_time(app.extensions["st"].state_dir):
            if pending(app):
                upgrade(app)
        return
    behind = pending(app)
    if behind:
        names = ", ".join(
            f"{lineage.owner} ({here or 'empty'} → {head})" for lineage, here, head in behind
        )
        raise ConfigError(
            f"migrations are pending: {names}. Run: flask st migrate", code="migrations_pending"
        )


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time migrate a SQLite file."""
    import fcntl

    with (folder / ".migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _keys_off() -> Iterator[Connection]:
    """Give a connection whose SQLite foreign keys are off, and check them before it is given
    back."""
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            raw = connection.connection.driver_connection
            connection.rollback()
            raw.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        try:
            yield connection
            connection.commit()
            if sqlite and (broken := connection.execute(text("PRAGMA foreign_key_check")).first()):
                raise ConfigError(f"a migration left a broken reference in table {broken[0]}")
        finally:
            if sqlite:
                connection.rollback()
                raw.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]
