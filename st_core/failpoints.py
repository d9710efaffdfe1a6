"""Named places in the code where a test may end the process as a power cut would.

A *failpoint* does nothing unless the environment variable `ST_FAILPOINT` names it: `name` dies at
the first hit, `name:3` at the third. Dying is SIGKILL: no handler, no `finally`, nothing flushed.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_hits: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Kill this process when `ST_FAILPOINT` names `name` and this is the hit it asks for."""
    wanted, _, hit = os.environ.get("ST_FAILPOINT", "").partition(":")
    if wanted != name:
        return
    _hits[name] += 1
    if _hits[name] == int(hit or 1):
        os.kill(os.getpid(), signal.SIGKILL)
