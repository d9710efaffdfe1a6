"""The model: a residual network of dense layers that sees a noisy picture, the time and the class,
and names the clean picture. Each block is scaled, shifted and gated by time and class (adaptive
layer norm).

Weights live in one flat float32 vector, *named* by views into it, so that the optimiser needs no
loop over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from .layers import Array, Back, Labels, dense, embedding, normalise, silu, time_features
from .randomness import generator

TIME_FEATURES = 64
CONDITION = 128


@dataclass(frozen=True)
class Architecture:
    """What decides the shapes of the weights; a checkpoint fits only its own architecture."""

    pixels: int
    classes: int
    width: int
    blocks: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return name → shape of every weight. Class number `classes` stands for "no class"."""
        modulations = (3 * self.blocks + 2) * self.width
        shapes: dict[str, tuple[int, ...]] = {"class.weight": (self.classes + 1, CONDITION)}
        shapes |= _dense("time", TIME_FEATURES, CONDITION)
        shapes |= _dense("modulation", CONDITION, modulations)
        shapes |= _dense("in", self.pixels, self.width)
        for number in range(self.blocks):
            shapes |= _dense(f"block{number}.up", self.width, 2 * self.width)
            shapes |= _dense(f"block{number}.down", 2 * self.width, self.width)
        return shapes | _dense("out", self.width, self.pixels)


def _dense(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}


class Weights(Mapping[str, Array]):
    """Named views into one flat vector; also used for gradients and for the optimiser's moments."""

    def __init__(self, architecture: Architecture) -> None:
        shapes = architecture.shapes()
        sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self.flat: Array = np.zeros(sum(sizes), dtype=np.float32)
        ends = np.cumsum(sizes)
        self._views = {
            name: self.flat[end - size : end].reshape(shape)
            for (name, shape), size, end in zip(shapes.items(), sizes, ends, strict=True)
        }

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)


def initial_weights(architecture: Architecture, seed: int) -> Weights:
    """Return fresh weights; modulation and output begin at zero, so that training begins calmly."""
    weights, rng = Weights(architecture), generator(seed, "weights")
    for name, view in weights.items():
        if name.endswith("bias") or name in ("out.weight", "modulation.weight"):
            continue
        # Classes begin far apart: from 0.1 the model needs 300 steps more before it heeds them.
        scale = 0.5 if name == "class.weight" else view.shape[0] ** -0.5
        view[...] = rng.standard_normal(view.shape, dtype=np.float32) * np.float32(scale)
    return weights


class Network:
    """The model with its weights and the gradients of the last backward pass."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        self.architecture = architecture
        self.weights = weights
        self.gradients = Weights(architecture)

    def clean(self, noisy: Array, t: Array, labels: Labels) -> Array:
        """Return the clean pictures the model sees in `noisy` at times `t` (0 to 1)."""
        return self.trace(noisy, t, labels)[0]

    def trace(self, noisy: Array, t: Array, labels: Labels) -> tuple[Array, Back]:
        """Return the clean pictures, and what makes gradients of the loss's derivative."""
        weights, gradients = self.weights, self.gradients
        width = self.architecture.width
        condition, condition_back = self._condition(t, labels)
        modulation, modulation_back = dense(weights, gradients, "modulation", condition)
        parts = [modulation[:, at : at + width] for at in range(0, modulation.shape[1], width)]
        d_modulation = np.empty_like(modulation)
        d_parts = [d_modulation[:, at : at + width] for at in range(0, modulation.shape[1], width)]

        x, in_back = dense(weights, gradients, "in", noisy)
        backs = []
        for number in range(self.architecture.blocks):
            three = slice(3 * number, 3 * number + 3)
            x, back = self._block(number, x, parts[three], d_parts[three])
            backs.append(back)
        x, norm_back = _adaptive_norm(x, parts[-2], parts[-1], d_parts[-2], d_parts[-1])
        y, out_back = dense(weights, gradients, "out", x)

        def backward(dy: Array) -> Array:
            dx = norm_back(out_back(dy))
            for back in reversed(backs):
                dx = back(dx)
            condition_back(modulation_back(d_modulation))
            return in_back(dx)

        return y, backward

    def _condition(self, t: Array, labels: Labels) -> tuple[Array, Back]:
        """Return one vector per picture that says when and of which class it is."""
        features = time_features(t, TIME_FEATURES)
        when, when_back = dense(self.weights, self.gradients, "time", features)
        what, what_back = embedding(self.weights, self.gradients, "class", labels)
        condition, silu_back = silu(when + what)

        def back(dy: Array) -> Array:
            dy = silu_back(dy)
            what_back(dy)
            return when_back(dy)

        return condition, back

    def _block(
        self, number: int, x: Array, parts: list[Array], d_parts: list[Array]
    ) -> tuple[Array, Back]:
        """Return `x + (1 + gate) * mlp(norm(x))`; parts are scale, shift and gate."""
        scale, shift, gate = parts
        normed, norm_back = _adaptive_norm(x, scale, shift, d_parts[0], d_parts[1])
        hidden, up_back = dense(self.weights, self.gradients, f"block{number}.up", normed)
        active, silu_back = silu(hidden)
        added, down_back = dense(self.weights, self.gradients, f"block{number}.down", active)

        def back(dy: Array) -> Array:
            d_parts[2][...] = dy * added
            inner = up_back(silu_back(down_back(dy * (1 + gate))))
            return dy + norm_back(inner)

        return x + added * (1 + gate), back


def _adaptive_norm(
    x: Array, scale: Array, shift: Array, d_scale: Array, d_shift: Array
) -> tuple[Array, Back]:
    """Return `x` normalised, scaled and shifted; derivatives by both go into the `d_` arrays."""
    normed, norm_back = normalise(x)

    def back(dy: Array) -> Array:
        d_scale[...] = dy * normed
        d_shift[...] = dy
        return norm_back(dy * (1 + scale))

    return normed * (1 + scale) + shift, back
