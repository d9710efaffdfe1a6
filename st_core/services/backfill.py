"""Backfill: who may start before the job at the head without delaying it. Pure.

Words: the *head* is a job first in order that waits for devices only; a *pool* is the devices that
two jobs could both be given. Its *reservation* says when enough of its pool can be free at the
earliest, and how many devices are over then in any case.

Why nobody delays the head: let D be the devices it lacks. Whichever running jobs end first, it can
start once those that ended have D devices together. The smallest sum of devices of running jobs
that reaches D is D + over, so `over` devices may be taken for ever: every set of ends that would
have been enough still is. Whoever takes more must have ended before any such set can have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: What a run may be off its usual length, told early and told late.
SOONER, LATER = 0.85, 1.25


@dataclass(frozen=True, slots=True)
class Running:
    """A running job of a pool: its devices, and in how many seconds it may end at the soonest (0
    where nobody knows)."""

    devices: int
    ends_in: float = 0.0


@dataclass(frozen=True, slots=True)
class Reservation:
    """The head starts in `at` seconds at the earliest; `over` devices are left over then, whichever
    jobs end first."""

    at: float
    over: int


def reserve(count: int, free: int, running: Iterable[Running]) -> Reservation | None:
    """Return the reservation of a head that needs `count` devices while `free` are free.

    None when it could not start though all that runs ended: then nothing that starts delays it.
    """
    lacks = count - free
    sums, at = {0}, None
    freed = 0
    for one in sorted(running, key=lambda each: each.ends_in):
        freed += one.devices
        if at is None and freed >= lacks:
            at = max(one.ends_in, 0.0)
        sums |= {reached + one.devices for reached in sums if reached < lacks}
    enough = [reached for reached in sums if reached >= lacks]
    if not enough or at is None:
        return None
    return Reservation(at, min(enough) - lacks)


def may_pass(count: int, longest_seconds: float, head: Reservation) -> bool:
    """Tell whether a job of `count` devices that runs `longest_seconds` at most may go before the
    head."""
    return longest_seconds <= head.at or count <= head.over
