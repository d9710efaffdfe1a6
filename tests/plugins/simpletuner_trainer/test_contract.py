"""What every plugin and every trainer promises; the real run is the stand-in's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from st_core.testing.plugin_kit import PluginContract
from st_core.testing.trainer_kit import TrainerContract

from .conftest import CONFIG, STANDIN


class TestPlugin(PluginContract):
    plugin = "simpletuner_trainer"


class TestTrainer(TrainerContract):
    plugin = "simpletuner_trainer"
    trainer = "simpletuner_trainer"
    config = CONFIG
    wrong = {**CONFIG, "learning_rate": "much"}
    wrong_path = "learning_rate"
    runs = True

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        app = make_app(
            plugins=[self.plugin],
            simpletuner_trainer__python=sys.executable,
            simpletuner_trainer__cpu=True,
            simpletuner_trainer__environment={"PYTHONPATH": str(STANDIN)},
        )
        with app.app_context():
            yield app
