"""The database: one session per application context, one way to write (`unit_of_work`), types that
keep units.

SQLite writes begin with `BEGIN IMMEDIATE` behind a process-wide lock; other databases lock one row
of the table `lock` per *gate* (`submit`, `dispatch`, `people`). Order of locks everywhere: gate,
job row, plugin rows, journal.

A *turn* is a thread's right to ask for a gate: threads that wait for it hold no connection.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Connection, DateTime, Engine, MetaData, Table, event, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, OperationalError
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
#: How long a writer asks for SQLite's write lock before it gives up.
BEGIN_SECONDS = 120.0
#: PostgreSQL's words for "somebody had to give way; ask again": serialisation failure, deadlock.
GIVEN_UP = ("40001", "40P01")
TRIES = 4
_PASS_GATE = text("SELECT name FROM lock WHERE name = :gate FOR UPDATE")

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class Base(DeclarativeBase):
    """The base of every table, the core's and the plugins'."""

    metadata = MetaData(naming_convention=NAMING)


#: The connection used last is used next: SQLite empties a connection's cache when another one has
#: written, and threads that write in turn would read every page anew.
db = SQLAlchemy(model_class=Base, engine_options={"pool_use_lifo": True})
if TYPE_CHECKING:  # Flask-SQLAlchemy makes the class it hands out while running
    Model = Base
else:
    Model = db.Model

#: One thread at a time in this process asks for a gate; or for SQLite's one write lock, whose busy
#: handler is unfair under threads. Whoever waited in the database instead would keep a connection,
#: and a burst of submissions would leave none for reading.
_turns: dict[str, threading.Lock] = {}

#: Steps that close a unit of work just before its commit (the journal registers here), and after
#: it.
before_commit: list[Callable[[Session], None]] = []
after_commit: list[Callable[[Session], None]] = []


def table_of(model: type[Any]) -> Table:
    """Return the Core table of a model, for statements that need no objects."""
    return cast(Table, model.__table__)


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
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",  # first: the next one may have to wait
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
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


def storable(text: str, most: int) -> str:
    """Return at most `most` characters of a text from outside, without the zero bytes that
    PostgreSQL refuses."""
    return text.replace("\x00", "")[:most]


def upsert(table: Any) -> Any:
    """Return an INSERT of this database's dialect, which knows `on_conflict_do_update`."""
    if db.session.get_bind().dialect.name == "sqlite":
        return sqlite_insert(table)
    return postgresql_insert(table)


def in_unit_of_work() -> bool:
    """Tell whether a unit of work is open in this context."""
    return bool(db.session().info.get("uow"))


def writing() -> Connection:
    """Return the open unit of work's connection, for statements over tables whose objects nobody
    holds: a session would look each of them over first.

    Raises RuntimeError when no unit of work is open.
    """
    connection: Connection | None = db.session().info.get("uow")
    if connection is None:
        raise RuntimeError("this step needs an open unit of work: call it from a command")
    return connection


def assert_unit_of_work() -> None:
    """State that the caller is a step. Raises RuntimeError when no unit of work is open."""
    if not in_unit_of_work():
        raise RuntimeError("this step needs an open unit of work: call it from a command")


def fresh_view() -> None:
    """Let everything read from here on be of one moment: now, however many statements it takes.

    Inside a unit of work nothing changes. Raises RuntimeError when changes were made outside one.
    """
    session = db.session()
    if session.info.get("uow"):
        return
    _begin_anew(session)
    if session.get_bind().dialect.name != "sqlite":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def unit_of_work(gate: str | None = None) -> Iterator[Session]:
    """Write everything inside together, or nothing of it. Units of work do not nest.

    `gate` names the one lock under which decisions of a kind are made (`submit`, `dispatch`,
    `people`). Raises RuntimeError when one is open already or changes were made outside of one.
    """
    session = db.session()
    if session.info.get("uow"):
        raise RuntimeError("units of work do not nest")
    _begin_anew(session)
    sqlite = session.get_bind().dialect.name == "sqlite"
    with _turn("sqlite" if sqlite else gate):
        try:
            session.info["uow"] = connection = _begin_write(session)
            if gate and not sqlite:
                connection.execute(_PASS_GATE, {"gate": gate}).one()
            yield session
            session.flush()
            for step in before_commit:
                step(session)
            session.commit()
        except BaseException:
            session.rollback()
            for note in ("journal", "journal_written", "policy_changed", "policy_raised"):
                session.info.pop(note, None)
            raise
        finally:
            session.info.pop("uow", None)
    for step in after_commit:
        step(session)


def pass_gate(name: str) -> None:
    """Step: hold one more gate until the unit of work ends.

    Gates are passed in one order everywhere: `submit`, `dispatch`, `people`.
    """
    assert_unit_of_work()
    if db.engine.dialect.name != "sqlite":
        query = text("SELECT name FROM lock WHERE name = :gate FOR UPDATE")
        db.session.execute(query, {"gate": name}).one()


@contextmanager
def revocable() -> Iterator[None]:
    """Take back what is written and emitted inside when it raises; the unit of work goes on.

    Raises what was raised inside.
    """
    assert_unit_of_work()
    session = db.session()
    emitted = len(session.info.get("journal", ()))
    savepoint = session.begin_nested()
    try:
        yield
        savepoint.commit()
    except BaseException:
        savepoint.rollback()
        del session.info.get("journal", [])[emitted:]
        raise


def is_lost_reference(error: DBAPIError) -> bool:
    """Tell whether a write failed because a row it refers to was deleted at the same moment."""
    return getattr(error.orig, "sqlstate", "") == "23503" or "FOREIGN KEY" in str(error.orig)


def retried(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command run again, at most three times, when the database gave it up to end a deadlock.

    For commands that do nothing outside the database before their unit of work has ended.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TRIES):
            try:
                return command(*args, **kwargs)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in GIVEN_UP:
                    raise
                log.warning("%s runs again after try %d: %s", command.__name__, attempt, error.orig)
        return command(*args, **kwargs)

    return run


def _begin_anew(session: Session) -> None:
    """End the read snapshot. Raises RuntimeError when that would lose changes."""
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("changes were made outside a unit of work")
    session.rollback()


def _turn(name: str | None) -> AbstractContextManager[Any]:
    """Return what a thread of this process holds while it is at `name`."""
    return nullcontext() if name is None else _turns.setdefault(name, threading.Lock())


def _begin_write(session: Session) -> Connection:
    """Open the writing transaction and return its connection, asking again while another process
    holds SQLite's write lock."""
    until = time.monotonic() + BEGIN_SECONDS
    while True:
        try:
            return session.connection(execution_options={"st_write": True})
        except OperationalError as error:
            session.rollback()
            if time.monotonic() > until or "locked" not in str(error):
                raise
