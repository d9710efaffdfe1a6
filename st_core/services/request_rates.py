"""How many requests one caller may send, counted for all processes together at the cost of few
writes.

A process counts in memory and tells the shared table once it has a *share* of the limit untold, a
twentieth, and reads there what the others told. So with P processes at most `most + P × share`
requests pass, share = max(1, most // 20): with two processes and 360 at most 396. Whoever stays
below a share costs no write at all. While the database does not answer, each process goes on alone.

Who is signed in is counted as that person, ten times as many; everybody else by address. What is
worth guessing (passwords, codes, keys) is counted in `throttles`, try by try.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from ..clock import now
from . import throttles
from .throttles import Rule

log = logging.getLogger(__name__)

#: So many times as much is allowed to whoever is signed in.
SIGNED_IN_FACTOR = 10
#: The part of a limit that a process may keep to itself.
SHARES = 20
#: Counters kept at one time; beyond it those whose period has ended are dropped, then all.
MOST_COUNTERS = 20_000


@dataclass
class _Count:
    """The requests of one caller under one rule since `began` (seconds since 1970).

    `told` are those of all processes in the shared table, as far as is known here. While one thread
    tells, others of the same caller wait: whatever passed meanwhile would pass beyond the share.
    """

    began: float
    told: int = 0
    untold: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        return self.told + self.untold


class RequestRates:
    """The counters of one process; lives beside the app."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Count] = {}
        self._lock = threading.Lock()

    def add(self, rule: Rule, caller: str) -> tuple[int, float, bool]:
        """Count one request; return how many there are in this period, when it ends, and whether
        these requests here were the ones that went beyond the rule."""
        moment = now().timestamp()
        with self._lock:
            count = self._current(rule, caller, moment)
        with count.turn:
            if count.told > rule.most:  # settled until the period ends
                return count.told, count.began + rule.window_seconds, False
            count.untold += 1
            if count.untold < share(rule) and count.requests <= rule.most:
                return count.requests, count.began + rule.window_seconds, False
            telling, count.untold = count.untold, 0
            alone = count.told + telling, count.began
            known, count.began = self._tell(rule, caller, telling, count.began) or alone
            count.told = max(alone[0], known)
            return known, count.began + rule.window_seconds, known - telling <= rule.most < known

    def _current(self, rule: Rule, caller: str, moment: float) -> _Count:
        count = self._counts.get((rule.name, caller))
        if count is None or moment >= count.began + rule.window_seconds:
            self._make_room(moment)
            count = self._counts[rule.name, caller] = _Count(moment)
        return count

    def _tell(
        self, rule: Rule, caller: str, requests: int, began: float
    ) -> tuple[int, float] | None:
        """Add to the shared table; return what stands there, None when it cannot be asked."""
        try:
            known, since = throttles.add(rule, caller, requests, datetime.fromtimestamp(began, UTC))
        except SQLAlchemyError as error:
            log.warning("requests are counted by this process alone: %s", error)
            return None
        return known, since.timestamp()

    def _make_room(self, moment: float) -> None:
        if len(self._counts) < MOST_COUNTERS:
            return
        longest = throttles.LONGEST_WINDOW_SECONDS
        self._counts = {
            key: count for key, count in self._counts.items() if count.began + longest > moment
        }
        if len(self._counts) >= MOST_COUNTERS:
            self._counts.clear()


def share(rule: Rule) -> int:
    """Return how many requests of one caller a process may have counted without telling."""
    return max(1, rule.most // SHARES)


def check(rates: RequestRates, rule: Rule, caller: str, *, signed_in: bool) -> None:
    """Count one request of `caller`. Raises RateLimited beyond the rule; that a caller went beyond
    it is one event in a period, whatever the number of processes."""
    most = rule.most * (SIGNED_IN_FACTOR if signed_in else 1)
    asked = Rule(rule.name, most, rule.window_seconds)
    requests, ends, is_first = rates.add(asked, f"{'user' if signed_in else 'address'} {caller}")
    if requests > most:
        if is_first:
            throttles.tell(rule, most)
        raise throttles.refusal(most, datetime.fromtimestamp(ends, UTC))
