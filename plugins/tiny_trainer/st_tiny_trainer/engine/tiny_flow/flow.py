"""Rectified flow: what the model is taught, and how pictures are drawn from noise.

A noisy picture at time t is `(1 - t) * noise + t * picture`; its velocity is `(picture - noisy) /
(1 - t)`. The model names the picture, the loss compares velocities, so an error near t = 1 weighs
more, up to a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .config import Config
from .data import Dataset
from .layers import Array, Labels
from .network import Network
from .randomness import generator

NEAREST = 0.05  # 1 - t counts as at least this much: the weight of an error stays below 400


@dataclass(frozen=True)
class Batch:
    """What the model sees in one step, and what it should answer."""

    pictures: Array
    noisy: Array
    t: Array
    labels: Labels


def draw_batch(config: Config, dataset: Dataset, step: int) -> Batch:
    """Return the batch of `step`: times spread evenly, some classes hidden (guidance needs it)."""
    rng = generator(config.seed, "step", step)
    size = config.batch_size
    chosen = rng.integers(len(dataset.labels), size=size)
    spread = np.arange(size, dtype=np.float32) + rng.random(size, dtype=np.float32)
    t = (spread / np.float32(size)).astype(np.float32)
    pictures = dataset.batch(chosen)
    noise = rng.standard_normal(pictures.shape, dtype=np.float32)
    hidden = rng.random(size) < config.caption_dropout
    labels = np.where(hidden, len(dataset.captions), dataset.labels[chosen])
    return Batch(pictures, noise + t[:, None] * (pictures - noise), t, labels)


def learn(network: Network, batch: Batch) -> float:
    """Fill the network's gradients for `batch`; return the velocity's mean square error."""
    weight = 1 / np.maximum(1 - batch.t, np.float32(NEAREST))[:, None]
    answer, back = network.trace(batch.noisy, batch.t, batch.labels)
    error = (answer - batch.pictures) * weight
    back(error * weight * np.float32(2 / error.size))
    return float(np.square(error).mean())


def draw_pictures(
    network: Network,
    noise: Array,
    labels: Labels,
    steps: int,
    guidance: float,
    between: Callable[[], None],
) -> Array:
    """Return one picture per label (values -1 to 1), going from `noise` in `steps` Heun steps.

    `guidance` 1 follows the class as learnt, more exaggerates it, 0 ignores it. `between` is called
    before each step.
    """
    x = noise
    for now, then in pairwise(np.linspace(0, 1, steps + 1, dtype=np.float32)):
        between()
        velocity = _velocity(network, x, now, labels, guidance)
        ahead = x + (then - now) * velocity
        if then < 1:
            velocity = (velocity + _velocity(network, ahead, then, labels, guidance)) / 2
            ahead = x + (then - now) * velocity
        x = ahead
    return np.clip(x, -1, 1)


def _velocity(network: Network, x: Array, t: np.float32, labels: Labels, guidance: float) -> Array:
    times = np.full(len(x), t, dtype=np.float32)
    clean = network.clean(x, times, labels)
    if guidance != 1:
        nothing = np.full_like(labels, network.architecture.classes)
        plain = network.clean(x, times, nothing)
        clean = plain + np.float32(guidance) * (clean - plain)
    return (clean - x) / (1 - t)
