"""How many requests one caller may send: counted in this process's memory, because ordinary traffic
must cost no write. Of several processes each counts for itself.

Who is signed in is counted as that person, ten times as many; everybody else by address. What is
worth guessing (passwords, codes, keys) is counted in `throttles`, for all processes together.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from ..clock import now
from . import throttles
from .throttles import Rule

#: So many times as much is allowed to whoever is signed in.
SIGNED_IN_FACTOR = 10
#: Counters kept at one time; beyond it those whose period has ended are dropped, then all.
MOST_COUNTERS = 20_000


@dataclass
class _Count:
    """The requests of one caller under one rule since `began` (seconds since 1970)."""

    began: float
    requests: int = 0


class RequestRates:
    """The counters of one process; lives beside the app."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Count] = {}
        self._lock = threading.Lock()

    def add(self, rule: Rule, caller: str) -> tuple[int, float]:
        """Count one request; return how many there are in this period, and when it ends."""
        moment = now().timestamp()
        with self._lock:
            count = self._counts.get((rule.name, caller))
            if count is None or moment >= count.began + rule.window_seconds:
                self._make_room(moment)
                count = self._counts[rule.name, caller] = _Count(moment)
            count.requests += 1
            return count.requests, count.began + rule.window_seconds

    def _make_room(self, moment: float) -> None:
        if len(self._counts) < MOST_COUNTERS:
            return
        longest = throttles.LONGEST_WINDOW_SECONDS
        self._counts = {
            key: count for key, count in self._counts.items() if count.began + longest > moment
        }
        if len(self._counts) >= MOST_COUNTERS:
            self._counts.clear()


def check(rates: RequestRates, rule: Rule, caller: str, *, signed_in: bool) -> None:
    """Count one request of `caller`. Raises RateLimited beyond the rule; the first refusal in a
    period is an event."""
    most = rule.most * (SIGNED_IN_FACTOR if signed_in else 1)
    requests, ends = rates.add(rule, f"{'user' if signed_in else 'address'} {caller}")
    if requests > most:
        if requests == most + 1:
            throttles.tell(rule, most)
        raise throttles.refusal(most, datetime.fromtimestamp(ends, UTC))
