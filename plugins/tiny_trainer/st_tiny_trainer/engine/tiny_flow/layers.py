"""The layers, each a function that returns its output and its own derivative.

A *back* takes the derivative of the loss by the output, adds to the gradients of the weights, and
returns the derivative by the input. Arrays are (batch, features) in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
Labels: TypeAlias = NDArray[np.int64]
Named: TypeAlias = Mapping[str, Array]
Back: TypeAlias = Callable[[Array], Array]

TINY = 1e-5


def dense(weights: Named, gradients: Named, name: str, x: Array) -> tuple[Array, Back]:
    """Return `x @ weight + bias`."""
    weight = weights[f"{name}.weight"]
    y = x @ weight
    y += weights[f"{name}.bias"]

    def back(dy: Array) -> Array:
        gradients[f"{name}.weight"][...] = x.T @ dy
        gradients[f"{name}.bias"][...] = dy.sum(axis=0)
        return dy @ weight.T

    return y, back


def embedding(weights: Named, gradients: Named, name: str, labels: Labels) -> tuple[Array, Back]:
    """Return the row of each label."""

    def back(dy: Array) -> Array:
        gradient = gradients[f"{name}.weight"]
        gradient[...] = 0
        np.add.at(gradient, labels, dy)
        return dy

    return weights[f"{name}.weight"][labels], back


def silu(x: Array) -> tuple[Array, Back]:
    """Return `x * sigmoid(x)`, a smooth step."""
    gate = 1 / (1 + np.exp(-x))
    y = x * gate

    def back(dy: Array) -> Array:
        return dy * (gate + y * (1 - gate))

    return y, back


def normalise(x: Array) -> tuple[Array, Back]:
    """Return each row with mean 0 and variance 1."""
    centred = x - x.mean(axis=1, keepdims=True)
    inverse = 1 / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + TINY)
    y = centred * inverse

    def back(dy: Array) -> Array:
        along = (dy * y).mean(axis=1, keepdims=True)
        return inverse * (dy - dy.mean(axis=1, keepdims=True) - y * along)

    return y, back


def time_features(t: Array, count: int) -> Array:
    """Return `count` waves of the times `t` (0 to 1), from slow to fast; nothing is learnt."""
    frequencies = np.exp(np.linspace(0, np.log(200), count // 2, dtype=np.float32))
    angles = t[:, None] * frequencies * np.float32(np.pi)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
