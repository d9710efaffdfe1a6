"""Ways to tamper with a log, each with the number of the first entry that is bad afterwards.

They act on the rows of `audit_entry` and on the head as somebody would who may write to the
database but has no key: fields are edited, and where that would help, hashes are made anew.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from st_audit import entries, verifier

Rows = list[dict[str, Any]]
INTEGERS = ("event_id", "actor_id", "on_behalf_of")


@dataclass
class Log:
    """A log as it lies in the database, and where tampering is seen first.

    `exact` is False where an export alone cannot tell the entry, because all later hashes were
    made anew; `needs_anchor` where only something kept elsewhere can.
    """

    rows: Rows
    head: dict[str, Any]
    bad: int = 0
    exact: bool = True
    needs_anchor: bool = False


Way = Callable[[random.Random, Log], None]


def _pick(chance: random.Random, log: Log, spare: int = 0) -> int:
    return chance.randrange(len(log.rows) - spare)


def _other(chance: random.Random, row: dict[str, Any], name: str) -> Any:
    """Return another value for a field, of a kind the database takes."""
    old = row[name]
    if name in INTEGERS:
        return chance.choice([value for value in (None, 0, 1, 7, 99, 2**40) if value != old])
    if name in ("details", "before", "after"):
        return chance.choice([t for t in ("{}", '{"a": 1}', '{"x":1}', "not json", "") if t != old])
    words = ["", "root", "2026-01-01T00:00:00.000000Z", "0" * 64, str(old) + " ", str(old)[:-1]]
    return chance.choice([word for word in words if word != old])


def edit(chance: random.Random, log: Log) -> None:
    """Change one field of one entry."""
    row = log.rows[_pick(chance, log)]
    names = sorted(set(row) - {"number"})
    name = chance.choice(names)
    value = _other(chance, row, name)
    if value is None and name == "event_id":
        value = 0
    row[name] = value
    log.bad = row["number"]


def edit_and_rehash(chance: random.Random, log: Log) -> None:
    """Change one field and make the entry's own hash fit again."""
    at = _pick(chance, log)
    row = log.rows[at]
    name = chance.choice(sorted(set(row) - {"number", "entry_hash"}))
    value = _other(chance, row, name)
    row[name] = 0 if value is None and name == "event_id" else value
    _rehash(log.rows, at, at + 1)
    log.bad, log.exact = row["number"], False


def edit_and_rewrite(chance: random.Random, log: Log) -> None:
    """Change one field and make every later hash anew, the head's too."""
    at = _pick(chance, log)
    row = log.rows[at]
    name = chance.choice(["actor_username", "actor_ip", "message", "details", "target_id"])
    row[name] = _other(chance, row, name)
    _rehash(log.rows, at, len(log.rows))
    if chance.random() < 0.5:
        log.head["hash"] = log.rows[-1]["entry_hash"]
    log.bad, log.exact = row["number"], False


def _rehash(rows: Rows, first: int, end: int) -> None:
    for at in range(first, end):
        row = rows[at]
        if at > first:
            row["previous_hash"] = rows[at - 1]["entry_hash"]
        row["entry_hash"] = verifier.digest(entries.text(entries.parts(row), row["seal"]))


def delete(chance: random.Random, log: Log) -> None:
    """Take out one entry or several."""
    at = _pick(chance, log)
    count = chance.randint(1, min(5, len(log.rows) - at))
    log.bad = log.rows[at]["number"]
    del log.rows[at : at + count]


def delete_and_close_up(chance: random.Random, log: Log) -> None:
    """Take out an entry, number the later ones anew and make their hashes fit."""
    at = _pick(chance, log, 1)
    log.bad, log.exact = log.rows[at]["number"], False
    previous = log.rows[at]["previous_hash"]
    del log.rows[at]
    for row in log.rows[at:]:
        row["number"] -= 1
    log.rows[at]["previous_hash"] = previous
    _rehash(log.rows, at, len(log.rows))


def insert(chance: random.Random, log: Log) -> None:
    """Put a copy of an entry in somewhere; the later ones move up."""
    at = _pick(chance, log)
    made = copy.deepcopy(log.rows[_pick(chance, log)])
    made["number"] = log.rows[at]["number"]
    made["message"] = "never happened"
    for row in log.rows[at:]:
        row["number"] += 1
    log.rows.insert(at, made)
    log.bad = made["number"]


def append(chance: random.Random, log: Log) -> None:
    """Put an entry behind the last one, linked and hashed as it must be."""
    made = copy.deepcopy(log.rows[-1])
    made["number"] += 1
    made["previous_hash"] = log.rows[-1]["entry_hash"]
    made["message"] = "never happened"
    log.rows.append(made)
    _rehash(log.rows, len(log.rows) - 1, len(log.rows))
    if chance.random() < 0.5:
        log.head.update(number=made["number"], hash=made["entry_hash"])
    log.bad, log.exact = made["number"], False


def reorder(chance: random.Random, log: Log) -> None:
    """Let two entries change places."""
    a, b = sorted(chance.sample(range(len(log.rows)), 2))
    one, two = log.rows[a], log.rows[b]
    one["number"], two["number"] = two["number"], one["number"]
    log.rows[a], log.rows[b] = two, one
    log.bad = two["number"]


def truncate(chance: random.Random, log: Log) -> None:
    """Cut off the end; the head is sometimes moved, too."""
    at = chance.randrange(1, len(log.rows))
    log.bad = log.rows[at]["number"]
    del log.rows[at:]
    if chance.random() < 0.5:
        last = log.rows[-1]
        log.head.update(number=last["number"], hash=last["entry_hash"], event_id=last["event_id"])


WAYS: tuple[Way, ...] = (
    edit,
    edit_and_rehash,
    edit_and_rewrite,
    delete,
    delete_and_close_up,
    insert,
    append,
    reorder,
    truncate,
)
