"""Configs of SimpleTuner: spelling, what is required, what is refused, each at its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from st_simpletuner_trainer.trainer import SimpleTunerTrainer

Make = Callable[..., SimpleTunerTrainer]


def test_keys_may_have_leading_dashes_and_lose_them(trainer: Make, config: dict[str, Any]) -> None:
    dashed = {f"--{key}": value for key, value in config.items()}
    assert trainer().validate(dashed) == (config, [])
    assert trainer().length(config) == 8


def test_options_that_the_form_does_not_show_are_kept(
    trainer: Make, config: dict[str, Any]
) -> None:
    filled, problems = trainer().validate({**config, "snr_gamma": 5, "learning_rate": "1e-4"})
    assert problems == []
    assert (filled["snr_gamma"], filled["learning_rate"]) == (5, 1e-4)


@pytest.mark.parametrize(
    ("change", "path", "told"),
    [
        ({"model_family": None}, "model_family", "valid string"),
        ({"model_type": "embedding"}, "model_type", "'lora' or 'full'"),
        ({"optimizer": ...}, "optimizer", "is required"),
        ({"dataloader_config": ...}, "dataloader_config", "names no data"),
        ({"dataloader_config": []}, "dataloader_config", "names no data"),
        ({"dataloader_config": {}}, "dataloader_config", "valid list"),
        ({"data_backend_config": "x.json"}, "data_backend_config", "keep one of them"),
        ({"max_train_steps": 0}, "max_train_steps", "has no length"),
        ({"max_train_steps": -1}, "max_train_steps", "greater than or equal to 0"),
        ({"train_batch_size": 0}, "train_batch_size", "greater than or equal to 1"),
        ({"--seed": 1, "seed": 2}, "seed", "given twice"),
        ({"trust_remote_code=true --x": 1}, "trust_remote_code=true --x", "no option's name"),
        ({"tracker_run_name": "a-{env:HOME}"}, "tracker_run_name", "{env:HOME}"),
        (
            {"dataloader_config": [{"id": "{env:HF_TOKEN}"}]},
            "dataloader_config",
            "{env:HF_TOKEN}",
        ),
        ({"noise_offset": float("inf")}, "noise_offset", "not a number"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    trainer: Make, config: dict[str, Any], change: dict[str, Any], path: str, told: str
) -> None:
    changed = {k: v for k, v in {**config, **change}.items() if v is not ...}
    _, problems = trainer().validate(changed)
    assert [(p.path, told in p.message) for p in problems if p.path == path][:1] == [(path, True)]


def test_epochs_can_be_the_length(trainer: Make, config: dict[str, Any]) -> None:
    given = {**config, "max_train_steps": 0, "num_train_epochs": 2}
    _, problems = trainer().validate(given)
    assert problems == []
    assert trainer().length(given) is None
