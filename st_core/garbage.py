"""The garbage collector while the server starts.

Starting makes hundreds of thousands of objects that stay for the life of the process. Left alone,
the collector goes through all of them several times during the start, and again whenever it looks
at the old ones later, which a request then waits for.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_kept = False


@contextmanager
def paused() -> Iterator[None]:
    """Collect nothing inside; the collector is left as it was found."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def keep() -> None:
    """Take what there is for permanent: never looked at again. Only the first call does anything,
    because what a later one finds may well go away."""
    global _kept
    if not _kept:
        _kept = True
        gc.freeze()
