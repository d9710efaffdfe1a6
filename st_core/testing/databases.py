"""Databases for tests: empty, migrated, a new one each time, on SQLite and on PostgreSQL.

The migrations of a set of plugins run once per test session into a *template*; each test gets a
copy, a file copy on SQLite and `CREATE DATABASE … TEMPLATE` on PostgreSQL.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from .. import schema
from ..db import db

AppFactory = Callable[[Sequence[str], str], Flask]


class Databases:
    """The templates of one kind of database, and the copies made of them."""

    kind = ""

    def __init__(self, make_app: AppFactory) -> None:
        """`make_app` builds an app from plugin names and a database URL."""
        self._make_app = make_app
        self._templates: dict[tuple[str, ...], str] = {}

    def fresh(self, plugins: Sequence[str], place: Path) -> str:
        """Return the URL of a new migrated database; a file lies at `place`."""
        wanted = tuple(plugins)
        if wanted not in self._templates:
            url = self.empty(place.with_name(f"{place.name}-{uuid.uuid4().hex[:8]}"))
            app = self._make_app(plugins, url)
            schema.upgrade(app)
            dispose(app)
            self._templates[wanted] = self._keep(url)
        return self._copy(self._templates[wanted], place)

    def empty(self, place: Path) -> str:
        """Return the URL of a new database without any table."""
        raise NotImplementedError

    def drop(self, url: str) -> None:
        """Forget a database that a test is done with."""

    def _keep(self, url: str) -> str:
        """Put a freshly migrated database aside and return what `_copy` copies."""
        return url

    def _copy(self, template: str, place: Path) -> str:
        raise NotImplementedError


class SqliteDatabases(Databases):
    """One file per database; templates lie in a folder of the session."""

    kind = "sqlite"

    def __init__(self, make_app: AppFactory, folder: Path) -> None:
        super().__init__(make_app)
        self._folder = folder

    def empty(self, place: Path) -> str:
        """Return the URL of a file that is not there yet."""
        place.parent.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{place}"

    def _keep(self, url: str) -> str:
        path = Path(url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        kept = self._folder / f"{uuid.uuid4().hex[:8]}.db"
        shutil.move(path, kept)
        return str(kept)

    def _copy(self, template: str, place: Path) -> str:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template, place)
        return f"sqlite:///{place}"


class PostgresDatabases(Databases):
    """One database per test in a real server, reached through its maintenance database."""

    kind = "postgresql"

    def __init__(self, make_app: AppFactory, server_url: str) -> None:
        super().__init__(make_app)
        self._url = sa.make_url(server_url)
        self._admin = sa.create_engine(self._url, isolation_level="AUTOCOMMIT")

    def empty(self, place: Path) -> str:
        """Return the URL of a new database."""
        return self._copy("template1", place)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        name = sa.make_url(url).database
        with self._admin.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def close(self) -> None:
        """Close the connection to the server."""
        self._admin.dispose()

    def _copy(self, template: str, place: Path) -> str:
        source = template if template == "template1" else sa.make_url(template).database
        name = f"st_{uuid.uuid4().hex[:12]}"
        with self._admin.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{source}"'))
        return self._url.set(database=name).render_as_string(hide_password=False)


def dispose(app: Flask) -> None:
    """Close every database connection of `app`."""
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
