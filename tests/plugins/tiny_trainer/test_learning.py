"""It really learns: loss falls, and a classifier trained apart reads the digits it draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from st_tiny_trainer.engine.tiny_flow import config as configs
from st_tiny_trainer.engine.tiny_flow import data, flow
from st_tiny_trainer.engine.tiny_flow.network import Architecture, Network, initial_weights

from tests.exam import Exam
from tests.plugins.tiny_trainer.trainings import SMALL, Training

Pictures = NDArray[np.floating[Any]]


class Classifier:
    """Reads digits: softmax regression over random features, fitted to one half of the data.

    It shares nothing with the trainer but the pictures.
    """

    def __init__(self, pictures: Pictures, labels: NDArray[np.int64]) -> None:
        rng = np.random.default_rng(5)
        self.directions = rng.normal(size=(65, 400)) * 0.5
        features, targets = self._features(pictures), np.eye(10)[labels]
        weight = features.T @ features + 3.0 * np.eye(features.shape[1])
        self.readout = np.linalg.solve(weight, features.T @ targets)

    def _features(self, pictures: Pictures) -> Pictures:
        ones = np.ones((len(pictures), 1))
        return np.hstack([np.maximum(0, np.hstack([pictures, ones]) @ self.directions), ones])

    def read(self, pictures: Pictures) -> NDArray[np.int64]:
        """Return the digit on each picture."""
        return np.asarray((self._features(pictures) @ self.readout).argmax(axis=1))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """A classifier that reads digits it has never seen."""
    digits = data.load(configs.Config())
    order = np.random.default_rng(3).permutation(len(digits.labels))
    known, unseen = order[:900], order[900:]
    made = Classifier(digits.batch(known), digits.labels[known])
    assert (made.read(digits.batch(unseen)) == digits.labels[unseen]).mean() > 0.93
    return made


def accuracy(training: Training, classifier: Classifier) -> float:
    """Return the share of single samples that show the digit in their file's name."""
    files = sorted((training.workspace / "samples/final").glob("*.png"))
    asked = np.array([int(file.name.partition("-")[0]) for file in files])
    shown = np.stack([np.asarray(Image.open(file), dtype=float)[3::6, 3::6] for file in files])
    assert np.bincount(asked).tolist() == [20] * 10
    return float((classifier.read(shown.reshape(-1, 64) / 127.5 - 1) == asked).mean())


def test_the_digits_it_draws_can_be_read(
    tmp_path: Path, classifier: Classifier, exam: Exam
) -> None:
    config = {"steps": exam.count("steps", 300, 1000), "width": exam.count("width", 128, 256)}
    training = Training(tmp_path / "w", config)
    assert training.run() == 0
    losses = training.losses()
    assert losses[max(losses)] < losses[1] / 20
    assert accuracy(training, classifier) >= 0.8
    assert training.events("sample")[-1]["metrics"]["label_accuracy"] >= 0.8


def test_an_untrained_model_draws_nothing_that_can_be_read(
    tmp_path: Path, classifier: Classifier
) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 1, "final_samples": 200})
    assert training.run() == 0
    assert accuracy(training, classifier) <= 0.2


def test_the_first_round_shows_the_noise_that_sampling_begins_with(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 1, "sample_rows": 4})
    training.run()
    image = Image.open(training.workspace / "samples/step-000000.png")
    assert image.size == (10 * 52 - 4, 4 * 52 - 4)
    assert np.asarray(image)[3::52, 3::52].std() > 40


def test_the_written_out_derivatives_are_the_real_ones() -> None:
    config = configs.Config(width=16, blocks=2, batch_size=32)
    digits = data.load(config)
    architecture = Architecture(64, 10, config.width, config.blocks)
    network = Network(architecture, initial_weights(architecture, seed=0))
    rng = np.random.default_rng(0)
    network.weights.flat[:] = rng.normal(size=network.weights.flat.size) * 0.1
    batch = flow.draw_batch(config, digits, step=1)
    flow.learn(network, batch)
    gradients = {name: view.copy() for name, view in network.gradients.items()}
    for name, view in network.weights.items():
        kept, direction = view.copy(), rng.normal(size=view.shape).astype(np.float32)
        view[...] = kept + 1e-3 * direction
        above = flow.learn(network, batch)
        view[...] = kept - 1e-3 * direction
        slope = (above - flow.learn(network, batch)) / 2e-3
        view[...] = kept
        assert slope == pytest.approx(
            float((gradients[name] * direction).sum()), rel=0.02, abs=0.05
        )
