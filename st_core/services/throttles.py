"""Throttles: how often something may be tried in a window of time, counted for all processes
together.

Every try is counted before its outcome is known, so that many at one moment are no way round. A
*rule* says how many; a *key* says who is counted, such as an address.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import case, delete, literal

from ..clock import now
from ..db import db, table_of, unit_of_work, upsert
from ..errors import RateLimited
from ..models import Throttle
from . import events

_THROTTLES = table_of(Throttle)


@dataclass(frozen=True)
class Rule:
    """At most `most` tries in `window_seconds`, counted from the first."""

    name: str
    most: int
    window_seconds: int


#: Rows of longer ago than this say nothing any more: no rule has a longer window.
LONGEST_WINDOW_SECONDS = 3600


def check(*asked: tuple[Rule, str]) -> None:
    """Command: count one try under each rule and key. Raises RateLimited when one is used up.

    The first refusal in a window is an event.
    """
    for (rule, _), (tries, started_at) in zip(asked, _count(asked), strict=True):
        if tries > rule.most:
            if tries == rule.most + 1:
                tell(rule, rule.most)
            raise refusal(rule.most, started_at + timedelta(seconds=rule.window_seconds))


def add(rule: Rule, key: str, tries: int, since: datetime) -> tuple[int, datetime]:
    """Command: count `tries` made since that moment; return how many there are in the window, and
    when it began."""
    with unit_of_work():
        found = db.session.execute(_counting(rule, key, since, tries)).one()
    return found[0], found[1]


def reset(rule: Rule, key: str) -> None:
    """Step: forget every try under a rule and key."""
    db.session.execute(delete(_THROTTLES).where(_THROTTLES.c.key == _row(rule, key)))


def refusal(most: int, until: datetime) -> RateLimited:
    """Return the error that says when to come back."""
    seconds = max(1, ceil((until - now()).total_seconds()))
    return RateLimited(
        f"Rate limit exceeded. Please try again later: in {seconds} seconds.",
        details={"retry_after_seconds": seconds},
        headers={
            "Retry-After": str(seconds),
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(ceil(until.timestamp())),
        },
    )


def tell(rule: Rule, most: int) -> None:
    """Command: record that somebody went beyond a rule, `most` tries being what it allows them."""
    with unit_of_work():
        events.emit(
            "security.rate_limited",
            subject=("throttle", rule.name),
            data={"rule": rule.name, "most": most, "window_seconds": rule.window_seconds},
            message=f"more than {most} tries in {rule.window_seconds} s: {rule.name}",
        )


def purge() -> int:
    """Command: delete the counters whose window has ended; return how many."""
    old = now() - timedelta(seconds=LONGEST_WINDOW_SECONDS)
    with unit_of_work():
        found: Any = db.session.execute(delete(_THROTTLES).where(_THROTTLES.c.started_at < old))
    return int(found.rowcount)


def _count(asked: tuple[tuple[Rule, str], ...]) -> list[tuple[int, datetime]]:
    """Count a try under each; rows are locked in the order of their keys, so nobody deadlocks."""
    moment, found = now(), {}
    with unit_of_work():
        for rule, key in sorted(asked, key=lambda each: _row(*each)):
            found[rule, key] = db.session.execute(_counting(rule, key, moment)).one()
    return [tuple(found[each]) for each in asked]


def _counting(rule: Rule, key: str, moment: datetime, tries: int = 1) -> Any:
    begun_after = now() - timedelta(seconds=rule.window_seconds)
    over = _THROTTLES.c.started_at <= begun_after
    start = literal(moment, _THROTTLES.c.started_at.type)
    return (
        upsert(_THROTTLES)
        .values(key=_row(rule, key), started_at=moment, count=tries)
        .on_conflict_do_update(
            index_elements=[_THROTTLES.c.key],
            set_={
                "count": case((over, tries), else_=_THROTTLES.c.count + tries),
                "started_at": case((over, start), else_=_THROTTLES.c.started_at),
            },
        )
        .returning(_THROTTLES.c.count, _THROTTLES.c.started_at)
    )


def _row(rule: Rule, key: str) -> str:
    """Return the row's key; who is counted goes in hashed: names may be of any length."""
    return f"{rule.name}:{hashlib.sha256(key.encode()).hexdigest()}"
