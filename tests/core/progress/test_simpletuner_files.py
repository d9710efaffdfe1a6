"""SimpleTuner's own files, with lines as version 4.10 wrote them."""

from __future__ import annotations

import json

import pytest

from st_core.progress.simpletuner_files import (
    media_parser,
    parse_manifest,
    parse_metrics_line,
)
from st_core.progress.trainer_states import parse_trainer_state

METRICS = (
    '{"metrics":{"epoch":1.0,"grad_absmax":0.0025,"learning_rate":0.001,"optimization_loss":1.108,'
    '"seconds_per_step":0.417,"train_loss":1.108},"schema_version":1,"step":2,'
    '"timestamp":"2026-11-23T14:51:01.339483+00:00"}'
)
MEDIA = (
    '{"index":0,"label":"validation","path":"validation_images/step_4_validation_0_64x64.png",'
    '"resolution":"64x64","step":4,"type":"image"}'
)


def test_a_metrics_line_tells_loss_under_its_common_name() -> None:
    reading = parse_metrics_line(METRICS)
    assert reading is not None
    assert (reading.step, reading.epoch) == (2, 1.0)
    assert reading.metrics == {
        "grad_absmax": 0.0025,
        "learning_rate": 0.001,
        "optimization_loss": 1.108,
        "seconds_per_step": 0.417,
        "loss": 1.108,
    }
    assert reading.at == pytest.approx(1795445461.339483)


def test_a_media_line_tells_a_sample_below_the_output_folder() -> None:
    reading = media_parser("output")(MEDIA)
    assert reading is not None
    assert (reading.event, reading.step) == ("sample", 4)
    assert reading.path == "output/validation_images/step_4_validation_0_64x64.png"


@pytest.mark.parametrize(("status", "event"), [("completed", "completed"), ("running", None)])
def test_a_manifest_completes_a_run_only_when_it_says_so(status: str, event: str | None) -> None:
    text = json.dumps({"status": status, "last_step": 8, "config": {"max_train_steps": 8}})
    (reading,) = parse_manifest(text)
    assert (reading.event, reading.total) == (event, 8)
    assert parse_manifest(text[:-1]) == []


def test_a_saved_state_tells_its_whole_history() -> None:
    text = json.dumps(
        {
            "global_step": 12,
            "max_steps": 12,
            "num_train_epochs": 2,
            "log_history": [
                {"epoch": 0.25, "loss": 4.1696, "learning_rate": 4.58e-05, "step": 2},
                {"epoch": 1.0, "eval_loss": 3.9, "step": 6, "eval_runtime": 1.0},
                {"epoch": 2.0, "step": 12, "train_runtime": 60.0, "train_loss": 4.0},
            ],
        }
    )
    first, second, last = parse_trainer_state(text)
    assert (first.step, first.metrics["loss"]) == (2, 4.1696)
    assert second.metrics["eval_loss"] == 3.9
    assert (last.step, last.total, last.epochs, last.metrics) == (12, 12, 2, {})
    assert parse_trainer_state(text[:-1]) == []
