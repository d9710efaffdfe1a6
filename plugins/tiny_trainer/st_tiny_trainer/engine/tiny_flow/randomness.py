"""Counted randomness: every draw comes from `(seed, stream, number)`, so any step can be repeated
and a checkpoint needs no generator state. A *stream* is one purpose of random numbers.
"""

from __future__ import annotations

import numpy as np

STREAMS = {"weights": 0, "step": 1, "sample": 2, "final": 3}


def generator(seed: int, stream: str, number: int = 0) -> np.random.Generator:
    """Return the random generator of one purpose (a key of STREAMS) and number."""
    return np.random.default_rng([seed, STREAMS[stream], number])
