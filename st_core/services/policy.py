"""Policy: who may what and which settings hold, answered from memory while nothing has changed.

A plugin's own rows of policy (rules, ceilings) say so by a class attribute, `governs = True`.

One number, the *generation*, stands in the database. Every change of people, levels, keys or
settings raises it in the same transaction, so that a change holds from the next request on in
every process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from flask import current_app, g
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import ORMExecuteState, Session

from ..db import (
    after_commit,
    assert_unit_of_work,
    before_commit,
    db,
    in_unit_of_work,
    table_of,
)
from ..models import (
    ApiKey,
    AuthProvider,
    Level,
    Lock,
    Membership,
    Org,
    PermissionOverride,
    StoredSetting,
    Team,
    User,
)
from ..models import Session as SignedInSession

Answer = TypeVar("Answer")

#: Rows whose change changes what somebody may do.
WATCHED = (
    ApiKey,
    AuthProvider,
    Level,
    Membership,
    Org,
    PermissionOverride,
    SignedInSession,
    StoredSetting,
    Team,
    User,
)
MOST_ANSWERS = 10_000
_LOCKS = table_of(Lock)
_ASK = "SELECT value FROM lock WHERE name = 'policy'"
_RAISE = update(_LOCKS).where(_LOCKS.c.name == "policy").values(value=_LOCKS.c.value + 1)


class Memory:
    """The answers of one process and the generation they are true of; lives beside the app.

    The generation is read through a connection of its own, kept open and shared by all threads: it
    is asked for by every request, and a session would cost more than the rest of a small answer.
    """

    def __init__(self) -> None:
        self.generation = -1
        #: question → the generation it was asked under, and the answer
        self.answers: dict[Hashable, tuple[int, Any]] = {}
        self._connection: Any = None
        self._lock = threading.Lock()

    def present_generation(self) -> int:
        """Return the generation as last committed by anybody; a lost connection is made anew.

        Raises OperationalError when there is none to be had.
        """
        with self._lock:
            try:
                return self._read()
            except Exception:
                self._drop()
            try:
                return self._read()
            except db.engine.dialect.loaded_dbapi.Error as error:
                raise OperationalError(None, None, error) from error

    def _read(self) -> int:
        if self._connection is None:
            own = db.engine.raw_connection()
            if db.engine.dialect.name != "sqlite":  # SQLite's are in autocommit from the start
                own.driver_connection.autocommit = True  # type: ignore[union-attr]
            own.detach()
            self._connection = own
        cursor = self._connection.cursor()
        try:
            cursor.execute(_ASK)
            return int(cursor.fetchone()[0])
        finally:
            cursor.close()

    def _drop(self) -> None:
        """Let go of a connection that does not answer any more."""
        lost, self._connection = self._connection, None
        if lost is not None:
            with suppress(Exception):
                lost.close()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            self._drop()

    def forget(self) -> None:
        """Drop everything: the next `refresh` finds another generation."""
        self.generation = -1
        self.answers.clear()


def memory() -> Memory:
    """Return the memory of the current app."""
    found: Memory = current_app.extensions["st"].policy
    return found


def refresh(load: Callable[[], None]) -> None:
    """Forget what is no longer true, and `load` anew what changed since we looked. One read.

    Whatever this context reads afterwards is at least as new as the generation.
    """
    mine = memory()
    if db.session.registry.has() and not in_unit_of_work():
        db.session.rollback()  # an older read snapshot would be taken for the present
    g.st_policy_generation = generation = mine.present_generation()
    if generation != mine.generation:
        load()
        mine.forget()
        mine.generation = generation


def remembered(question: Hashable, ask: Callable[[], Answer]) -> Answer:
    """Return the answer to `question`, asked once per generation.

    It is kept under the generation that this context has seen: when another thread has seen a newer
    one meanwhile, ours may be out of date and is used this once.
    """
    if g.get("st_policy_anew"):
        return ask()
    mine = memory()
    kept = mine.answers.get(question)
    if kept is not None and kept[0] == mine.generation:
        answer: Answer = kept[1]
        return answer
    answer = ask()
    seen = g.get("st_policy_generation")
    if seen is not None:
        if len(mine.answers) >= MOST_ANSWERS:
            mine.answers.clear()
        mine.answers[question] = (seen, answer)
    return answer


@contextmanager
def anew() -> Iterator[None]:
    """Let every answer be asked for meanwhile, and none be kept: the rows are being changed."""
    g.st_policy_anew = True
    try:
        yield
    finally:
        del g.st_policy_anew


def bump() -> None:
    """Step: raise the generation when this unit of work commits."""
    assert_unit_of_work()
    db.session().info["policy_changed"] = True


@event.listens_for(Session, "after_flush")
def _notice(session: Session, _context: Any) -> None:
    """Notice objects whose change changes policy."""
    for item in (*session.new, *session.dirty, *session.deleted):
        if isinstance(item, WATCHED) or getattr(item, "governs", False):
            session.info["policy_changed"] = True
            return


@event.listens_for(Session, "do_orm_execute")
def _notice_statement(state: ORMExecuteState) -> None:
    """Notice statements over such tables that pass objects by."""
    writes = state.is_insert or state.is_update or state.is_delete
    if not writes or state.bind_mapper is None:
        return
    row = state.bind_mapper.class_
    if issubclass(row, WATCHED) or getattr(row, "governs", False):
        state.session.info["policy_changed"] = True


def _raise(session: Session) -> None:
    if session.info.pop("policy_changed", False):
        session.execute(_RAISE)
        session.info["policy_raised"] = True


def _forget(session: Session) -> None:
    if session.info.pop("policy_raised", False):
        memory().forget()


before_commit.insert(0, _raise)
after_commit.append(_forget)
