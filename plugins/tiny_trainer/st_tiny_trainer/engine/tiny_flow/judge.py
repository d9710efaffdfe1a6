"""How good the samples are: does the nearest training picture show what was asked for?"""

from __future__ import annotations

import numpy as np

from .data import Dataset
from .layers import Array, Labels

AT_ONCE = 256


def judge(dataset: Dataset, samples: Array, asked: Labels) -> dict[str, float]:
    """Return the share of samples with the right nearest picture, and the mean distance to it."""
    pictures = dataset.batch(np.arange(len(dataset.labels)))
    lengths = np.square(pictures).sum(axis=1)
    right, distance = 0, 0.0
    for start in range(0, len(samples), AT_ONCE):
        part = samples[start : start + AT_ONCE]
        squares = np.square(part).sum(axis=1)[:, None] + lengths - 2 * part @ pictures.T
        nearest = squares.argmin(axis=1)
        right += int((dataset.labels[nearest] == asked[start : start + AT_ONCE]).sum())
        least = np.maximum(squares[np.arange(len(part)), nearest], 0) / pictures.shape[1]
        distance += float(np.sqrt(least).sum())
    count = len(samples)
    return {
        "label_accuracy": round(right / count, 4),
        "nearest_distance": round(distance / count, 4),
    }
