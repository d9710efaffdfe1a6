"""Lineages of migrations: the core's, and one per plugin that brings tables, each with its own
version table.

Order is core first, then plugins in list order. On SQLite a lineage runs with foreign keys off,
because a batch rebuild of a table would otherwise fire ON DELETE and wipe other people's rows; the
keys are checked afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Column, Connection, Table, inspect, text

from .config import resource_dir
from .db import db
from .errors import ConfigError

log = logging.getLogger(__name__)
CORE = "core"
migrate = Migrate(directory=str(resource_dir("migrations")))


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


def init_schema(app: Flask) -> None:
    """Bind Flask-Migrate, so that `flask db` works on the core and, with `-x plugin=NAME`, on a
    plugin."""
    migrate.init_app(app, db)


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
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(resource_dir("migrations")))
    settings.set_main_option("version_locations", str(lineage.folder))
    settings.set_main_option("path_separator", "newline")
    settings.attributes["lineage"] = lineage
    settings.attributes["owners"] = owners(app)
    settings.attributes["connection"] = connection
    return settings


@migrate.configure
def _configure(config: Any) -> Any:
    """Let Flask-Migrate's own commands act on one lineage: the core's, or `-x plugin=NAME`."""
    from flask import current_app

    wanted = dict(
        item.split("=", 1) for item in (getattr(config.cmd_opts, "x", None) or []) if "=" in item
    )
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    lineage = _lineage(app, wanted.get("plugin", CORE))
    config.set_main_option("version_locations", str(lineage.folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["lineage"] = lineage
    config.attributes["owners"] = owners(app)
    return config


def _lineage(app: Flask, owner: str) -> Lineage:
    """Return one lineage by its owner. Raises ConfigError when there is none."""
    for lineage in lineages(app):
        if lineage.owner == owner:
            return lineage
    raise ConfigError(f"{owner} brings no migrations, or is not enabled")


def current(connection: Connection, lineage: Lineage) -> str | None:
    """Return the revision the database stands at, None before the first."""
    context = MigrationContext.configure(connection, opts={"version_table": lineage.version_table})
    return context.get_current_revision()


def pending(app: Flask) -> list[tuple[Lineage, str | None, str | None]]:
    """Return (lineage, current, head) of every lineage that is not at its head."""
    behind = []
    with app.app_context(), db.engine.connect() as connection:
        for lineage in lineages(app):
            head = ScriptDirectory.from_config(alembic_config(app, lineage)).get_current_head()
            here = current(connection, lineage)
            if here != head:
                behind.append((lineage, here, head))
    return behind


def upgrade(app: Flask, owner: str | None = None, revision: str = "head") -> list[str]:
    """Run every pending migration (or one owner's); return the owners that moved."""
    moved = []
    for lineage in lineages(app):
        if owner in (None, lineage.owner):
            with app.app_context(), _keys_off() as connection:
                before = current(connection, lineage)
                command.upgrade(alembic_config(app, lineage, connection), revision)
                if current(connection, lineage) != before:
                    moved.append(lineage.owner)
    return moved


def downgrade(app: Flask, owner: str, revision: str = "base") -> None:
    """Take one lineage back to `revision`."""
    with app.app_context(), _keys_off() as connection:
        command.downgrade(alembic_config(app, _lineage(app, owner), connection), revision)


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
