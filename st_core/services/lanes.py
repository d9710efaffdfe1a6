"""Lanes: threads for work in the world outside, a few for each provider or subscriber, so that one
that hangs stops nobody else.

A *lane* has a name, a *width* (threads) and a *depth* (pieces of work it takes on, waiting ones
included). A piece of work has a key, and is not taken on twice at a time.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor


class Lanes:
    """The lanes of one kind of work in this process; each opens at its first piece."""

    def __init__(self, name: str, *, width: int, depth: int) -> None:
        self._name = name
        self._width, self._depth = width, depth
        self._lock = threading.Lock()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._taken: defaultdict[str, set[Hashable]] = defaultdict(set)

    def offer(
        self,
        lane: str,
        key: Hashable,
        work: Callable[[], object],
        then: Callable[[], object] | None = None,
    ) -> bool:
        """Let a thread of `lane` do `work`; `then` is called when that made room in a full lane.

        Returns False when the lane is full or this piece is under way.
        """
        with self._lock:
            taken = self._taken[lane]
            if key in taken or len(taken) >= self._depth:
                return False
            taken.add(key)
            pool = self._pools.get(lane)
            if pool is None:
                pool = ThreadPoolExecutor(self._width, thread_name_prefix=f"{self._name} {lane}")
                self._pools[lane] = pool
            pool.submit(self._do, lane, key, work, then)
        return True

    def full(self) -> set[str]:
        """Return the lanes that take on nothing now."""
        with self._lock:
            return {lane for lane, keys in self._taken.items() if len(keys) >= self._depth}

    def taken(self) -> set[Hashable]:
        """Return the keys of all work under way."""
        with self._lock:
            return set().union(*self._taken.values())

    def drain(self) -> None:
        """Return when all work taken on is done; what is offered from now on opens new threads."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.shutdown(wait=True)

    def _do(
        self,
        lane: str,
        key: Hashable,
        work: Callable[[], object],
        then: Callable[[], object] | None,
    ) -> None:
        try:
            work()
        finally:
            with self._lock:
                was_full = len(self._taken[lane]) >= self._depth
                self._taken[lane].discard(key)
            if was_full and then is not None:
                then()
