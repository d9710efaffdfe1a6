"""The database: one session per application context, one way to write (`unit_of_work`), types that
keep units.

SQLite writes begin with `BEGIN IMMEDIATE` behind a process-wide lock; other databases lock one row
of the table `lock` per *gate* (`submit`, `dispatch`). Order of locks everywhere: gate, job row,
plugin rows, journal.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Engine, MetaData, event, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_SECONDS = 30
BEGIN_TRIES = 5


class Base(DeclarativeBase):
    """The base of every table, the core's and the plugins'."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:  # Flask-SQLAlchemy makes the class it hands out while running
    Model = Base
else:
    Model = db.Model

#: One writer at a time in this process: SQLite has one write lock, and its busy handler is unfair
#: under threads.
_sqlite_writer = threading.Lock()

#: Steps that close a unit of work just before its commit (the journal registers here), and after
#: it.
before_commit: list[Callable[[Session], None]] = []
after_commit: list[Callable[[Session], None]] = []


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. Naive values are refused when written; values come back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: every time here is UTC-aware")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Usd(TypeDecorator[Decimal]):
    """An amount in US dollars, kept as whole micro-dollars so that sums are exact on every
    database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else int((Decimal(value) * 1_000_000).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:
        return None if value is None else (Decimal(value) / 1_000_000).quantize(Decimal("0.000001"))


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, _record: Any) -> None:
    """Put SQLite under our own BEGIN and set its pragmas."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


@event.listens_for(Engine, "begin")
def _on_begin(connection: Any) -> None:
    """Begin reads deferred and writes immediate; a plain BEGIN that later writes may fail with
    no retry."""
    if connection.dialect.name != "sqlite":
        return
    write = connection.get_execution_options().get("st_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def upsert(table: Any) -> Any:
    """Return an INSERT of this database's dialect, which knows `on_conflict_do_update`."""
    if db.session.get_bind().dialect.name == "sqlite":
        return sqlite_insert(table)
    return postgresql_insert(table)


def in_unit_of_work() -> bool:
    """Tell whether a unit of work is open in this context."""
    return bool(db.session().info.get("uow"))


def assert_unit_of_work() -> None:
    """State that the caller is a step. Raises RuntimeError when no unit of work is open."""
    if not in_unit_of_work():
        raise RuntimeError("this step needs an open unit of work: call it from a command")


@contextmanager
def unit_of_work(gate: str | None = None) -> Iterator[Session]:
    """Write everything inside together, or nothing of it. Units of work do not nest.

    `gate` names the one lock under which decisions of a kind are made (`submit`, `dispatch`).
    Raises RuntimeError when one is open already or changes were made outside of one.
    """
    session = db.session()
    if session.info.get("uow"):
        raise RuntimeError("units of work do not nest")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("changes were made outside a unit of work")
    session.rollback()  # only ends the read snapshot
    sqlite = session.get_bind().dialect.name == "sqlite"
    if sqlite:
        _sqlite_writer.acquire()
    try:
        _begin_write(session)
        session.info["uow"] = True
        if gate and not sqlite:
            session.execute(
                text("SELECT name FROM lock WHERE name = :gate FOR UPDATE"), {"gate": gate}
            ).one()
        yield session
        session.flush()
        for step in before_commit:
            step(session)
        session.commit()
    except BaseException:
        session.rollback()
        session.info.pop("journal", None)
        raise
    finally:
        session.info.pop("uow", None)
        if sqlite:
            _sqlite_writer.release()
    for step in after_commit:
        step(session)


def _begin_write(session: Session) -> None:
    """Open the writing transaction, asking again while another process holds SQLite's write
    lock."""
    for attempt in range(1, BEGIN_TRIES + 1):
        try:
            session.connection(execution_options={"st_write": True})
            return
        except OperationalError as error:
            session.rollback()
            if attempt == BEGIN_TRIES or "locked" not in str(error):
                raise
