"""Fixtures for databases: `database` runs a test once on SQLite and once on PostgreSQL.

`postgres_url`, else `ST_TEST_POSTGRES_URL`, names the server in which new databases are made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket

    from .databases import Databases


@pytest.fixture(scope="session")
def postgres_url() -> str | None:
    """The maintenance database of a PostgreSQL server; override it to start one."""
    return os.environ.get("ST_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Templates and copies on SQLite."""
    from .databases import SqliteDatabases

    return SqliteDatabases(build_app, tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_url: str | None) -> Iterator[Databases]:
    """Templates and copies in the PostgreSQL server."""
    from .databases import PostgresDatabases

    if postgres_url is None:
        pytest.skip("no PostgreSQL server: set ST_TEST_POSTGRES_URL or override postgres_url")
    databases = PostgresDatabases(build_app, postgres_url)
    yield databases
    databases.close()


@dataclass
class Database:
    """The kind of database a test runs on; `fresh` and `empty` give URLs of new ones."""

    databases: Databases
    folder: Path
    find: Callable[[Sequence[str] | None], None]
    urls: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.databases.kind

    def fresh(self, plugins: Sequence[str] | None = None) -> str:
        """Return the URL of a new database, migrated for `plugins` (default: the bundled ones)."""
        self.find(plugins)
        return self._note(self.databases.fresh(plugin_names(plugins), self._place()))

    def empty(self) -> str:
        """Return the URL of a new database without tables."""
        return self._note(self.databases.empty(self._place()))

    def _place(self) -> Path:
        return self.folder / f"app{len(self.urls) or ''}.db"

    def _note(self, url: str) -> str:
        self.urls.append(url)
        return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, state_dir: Path, find_zoo: Callable[..., None]
) -> Iterator[Database]:
    """A kind of database; asking for it runs the test once on each."""
    kind = "postgres" if request.param == "postgresql" else request.param
    databases = request.getfixturevalue(f"{kind}_databases")
    database = Database(databases, state_dir, find_zoo)
    yield database
    for url in database.urls:
        database.databases.drop(url)


def plugin_names(plugins: Sequence[str] | None) -> list[str]:
    """Return the plugins to enable: those named, else the bundled ones."""
    from ..app import BUNDLED

    return list(BUNDLED if plugins is None else plugins)


def build_app(plugins: Sequence[str], url: str, settings: dict[str, Any] | None = None) -> Flask:
    """Return the app of `create_app` with the careful client, not prepared."""
    from jinja2 import StrictUndefined
    from sqlalchemy import event

    from ..app import create_app
    from ..db import db
    from .people import CarefulClient

    overrides = {key.replace("__", "."): value for key, value in (settings or {}).items()}
    app = create_app({"plugins.enabled": list(plugins), "database.url": url, **overrides})
    app.testing = True
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.bytecode_cache = _compiled_templates()
    app.test_client_class = CarefulClient
    with app.app_context():
        db.engine.update_execution_options(compiled_cache=_compiled_statements())
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _unsynced)
    return app


def _unsynced(connection: Any, _record: Any) -> None:
    """Wait for no disk: a test may lose a process, but no power."""
    connection.execute("PRAGMA synchronous = OFF")


@cache
def _compiled_statements() -> MutableMapping[Any, Any]:
    """Return the SQL that any app of this process has compiled, by kind of database: an engine's
    own memory would begin empty in every test."""
    from sqlalchemy.util import LRUCache

    class Shared(LRUCache[Any, Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            return super().get(self._of_kind(key), default)

        def __getitem__(self, key: Any) -> Any:
            return super().__getitem__(self._of_kind(key))

        def __setitem__(self, key: Any, value: Any) -> None:
            super().__setitem__(self._of_kind(key), value)

        def _of_kind(self, key: Any) -> Any:
            dialect, *rest = key
            return (dialect.name, *rest)

    return Shared(4000)


@cache
def _compiled_templates() -> BytecodeCache:
    """Return the templates that any app of this process has compiled: most need the same ones."""
    from jinja2 import BytecodeCache

    class InMemory(BytecodeCache):
        known: dict[tuple[str, str], CodeType | None] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = self.known.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            self.known[bucket.key, bucket.checksum] = bucket.code

    return InMemory()
