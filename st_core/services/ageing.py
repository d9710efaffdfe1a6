"""Ageing: a waiting job's priority grows with its waiting time, so that nobody starves. Pure.

For every full *step* of waiting a priority grows by `RUNG`, one level's worth, up to `TOP`; what a
person set above `TOP` stays. At `TOP` a job is *overdue*: overdue jobs go by the time they entered
the queue and by nothing else.

The bound. Let p be a job's own priority and s the step. It is overdue after
A = s * ceil((TOP - p) / RUNG), or at once when p >= TOP. From then on only the n jobs that entered
before it go first. The first of them that may start at all is the head, for which backfill keeps
its devices: it starts at the latest when all that runs has ended, after L, the longest run. So

    W <= A + (n + 1) * L

where W is the time in which no limit of its own person or team, and no hold that is not about
devices, held it. Priorities set above `TOP` by hand and `job.bypass.queue` stand outside.
"""

from __future__ import annotations

RUNG = 10
TOP = 40


def effective(priority: int, waited_seconds: float, step_seconds: float) -> int:
    """Return the priority that counts after `waited_seconds`; a step of 0 means no ageing."""
    if priority >= TOP or step_seconds <= 0:
        return priority
    return min(TOP, priority + RUNG * int(max(waited_seconds, 0.0) // step_seconds))


def rungs(priority: int) -> int:
    """Return how many steps a job of this priority waits until it is overdue."""
    return max(0, -(-(TOP - priority) // RUNG))


def overdue_after(priority: int, step_seconds: float) -> float:
    """Return the seconds (A) after which a job of this priority is overdue."""
    return rungs(priority) * step_seconds


def bound(priority: int, step_seconds: float, before: int, longest_seconds: float) -> float:
    """Return the most seconds (W) a job waits; `before` jobs (n) entered the queue before it."""
    return overdue_after(priority, step_seconds) + (before + 1) * longest_seconds
