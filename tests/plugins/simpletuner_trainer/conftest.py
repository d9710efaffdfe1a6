"""SimpleTuner's stand-in, and a config that it can train."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from st_simpletuner_trainer.settings import Options
from st_simpletuner_trainer.trainer import SimpleTunerTrainer

STANDIN = Path(__file__).parent / "standin"
CONFIG: dict[str, Any] = {
    "model_family": "sdxl",
    "model_type": "lora",
    "pretrained_model_name_or_path": "org/tiny-sdxl",
    "optimizer": "adamw_bf16",
    "learning_rate": 0.001,
    "max_train_steps": 8,
    "checkpoint_step_interval": 4,
    "validation_step_interval": 4,
    "dataloader_config": [{"id": "shapes", "type": "local", "instance_data_dir": "data"}],
}


@pytest.fixture
def config() -> dict[str, Any]:
    """A valid config of eight steps."""
    return dict(CONFIG)


@pytest.fixture
def trainer() -> Callable[..., SimpleTunerTrainer]:
    """Make the trainer with options; without any it starts the stand-in."""

    def make(**options: Any) -> SimpleTunerTrainer:
        python = {"python": sys.executable, "environment": {"PYTHONPATH": str(STANDIN)}}
        return SimpleTunerTrainer(lambda: Options(**(python | options)))

    return make
