"""All that changes while a run trains: four flat vectors and the number of the last finished step.

Everything else follows from config and data, which is why going on from a checkpoint gives the same
bits.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import checkpoints
from .folders import Found
from .layers import Array
from .network import Architecture, Network, Weights, initial_weights
from .optimizer import Adam


class State:
    """The weights, their average and the optimiser's moments after `step` steps."""

    def __init__(self, architecture: Architecture, seed: int) -> None:
        self.architecture = architecture
        self.weights = initial_weights(architecture, seed)
        self.average, self.first, self.second = (Weights(architecture) for _ in range(3))
        self.average.flat[:] = self.weights.flat
        self.step = 0
        self.network = Network(architecture, self.weights)
        self.averaged = Network(architecture, self.average)
        self.adam = Adam(self.weights, self.average, self.first, self.second)

    def parts(self) -> dict[str, Mapping[str, Array]]:
        """Return what a checkpoint holds: file stem → named tensors."""
        moments = {f"first.{name}": view for name, view in self.first.items()}
        moments |= {f"second.{name}": view for name, view in self.second.items()}
        return {"model": self.weights, "ema": self.average, "optimizer": moments}

    def restore(self, found: Found) -> None:
        """Go on where `found` was saved. Raises BadConfig when a file of it is damaged."""
        checkpoints.read(found, "model", self.weights)
        checkpoints.read(found, "ema", self.average)
        checkpoints.read(found, "optimizer", self.first, "first.")
        checkpoints.read(found, "optimizer", self.second, "second.")
        self.step = found.step

    def start_from(self, found: Found) -> None:
        """Begin at step 0 with another run's averaged weights. Raises BadConfig when damaged."""
        checkpoints.read(found, "ema", self.average)
        self.weights.flat[:] = self.average.flat
