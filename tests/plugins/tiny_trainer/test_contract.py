"""The tiny trainer keeps what every plugin and every trainer promises."""

from __future__ import annotations

from st_core.testing.plugin_kit import PluginContract
from st_core.testing.trainer_kit import TrainerContract


class TestPlugin(PluginContract):
    plugin = "tiny_trainer"


class TestTrainer(TrainerContract):
    plugin = trainer = "tiny_trainer"
    config = {"steps": 20, "width": 32, "blocks": 1, "batch_size": 16, "final_samples": 10}
    wrong = {"steps": 0}
    wrong_path = "steps"
    runs = True
