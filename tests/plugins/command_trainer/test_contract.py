"""What every plugin and every trainer promises, for a declared command."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from st_core.testing.plugin_kit import PluginContract
from st_core.testing.trainer_kit import TrainerContract

from .conftest import TOY


class TestPlugin(PluginContract):
    plugin = "command_trainer"


class TestToy(TrainerContract):
    plugin = "command_trainer"
    trainer = "command:toy"
    config = {"steps": 60}
    runs = True

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        app = make_app(plugins=[self.plugin], command_trainer__profiles={"toy": TOY})
        with app.app_context():
            yield app
