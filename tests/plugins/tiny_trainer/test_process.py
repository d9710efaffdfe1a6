"""The training process: what it writes, what it obeys, and how it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from st_core.progress.event_lines import parse_event_line
from tests.plugins.tiny_trainer.trainings import SMALL, Training

BRIEF = {**SMALL, "steps": 20, "checkpoint_every": 10}
LONG = {**SMALL, "steps": 100_000, "checkpoint_every": 0, "report_every": 10}


def test_a_whole_run_is_told_in_events_and_left_in_files(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", BRIEF)
    assert training.run() == 0
    assert [e["status"] for e in training.events("status")] == ["starting", "running", "completed"]
    assert [e["step"] for e in training.events("progress")] == list(range(1, 21))
    assert [e["step"] for e in training.events("sample")] == [0, 2, 5, 10, 20]
    assert [(e["step"], e["reason"]) for e in training.events("checkpoint")] == [
        (10, "scheduled"),
        (20, "final"),
    ]
    for kind in ("sample", "checkpoint"):
        assert all((training.workspace / e["path"]).exists() for e in training.events(kind))
    (dataset,) = training.events("dataset")
    assert (dataset["pictures"], dataset["classes"]) == (1797, 10)


def test_every_event_line_is_numbered_and_understood(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", BRIEF)
    training.run()
    lines = (training.workspace / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(json.loads(line)["v"] == 1 for line in lines)
    reading = [each for line in lines if (each := parse_event_line(line))][-1]
    assert (reading.event, reading.step, reading.total) == ("completed", 20, 20)


def test_the_log_is_written_for_people(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**BRIEF, "log_every": 10})
    training.run()
    assert "step 10/20  loss " in training.log
    assert "checkpoint saved: checkpoints/checkpoint-20 (final)" in training.log
    assert "samples written: samples/step-000020.png" in training.log


def test_metrics_can_be_thinned_but_the_last_step_is_always_told(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**BRIEF, "report_every": 7})
    training.run()
    assert [e["step"] for e in training.events("progress")] == [7, 14, 20]


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**BRIEF, "checkpoint_every": 4, "keep_checkpoints": 2})
    training.run()
    assert training.steps_saved() == [16, 20]


@pytest.mark.parametrize(
    ("asked", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), ("stop", 143)]
)
def test_a_stop_saves_a_checkpoint_first(tmp_path: Path, asked: Any, code: int) -> None:
    training = Training(tmp_path / "w", LONG).start()
    training.wait_for("progress", step=10)
    if asked == "stop":
        training.ask("stop")
        assert training.end() == code
    else:
        assert training.kill(asked) == code
    (saved,) = training.steps_saved()
    assert saved == training.events("status")[-1]["step"] >= 10
    assert list((training.workspace / "control").iterdir()) == []
    completed, why = training.trainer.outcome(training.config, training.workspace, code)
    assert (completed, why) == (False, f"Stopped on request after step {saved}.")


def test_a_stop_does_not_wait_for_a_long_round_of_samples(tmp_path: Path) -> None:
    config = {**LONG, "sample_every": 5, "sample_rows": 16, "sample_steps": 200, "width": 256}
    training = Training(tmp_path / "w", config).start()
    training.wait_for("sample", step=0)
    assert training.kill(signal.SIGTERM) == 143
    assert training.events("sample")[1:] == []


def test_a_checkpoint_and_a_sample_are_made_on_request(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", LONG).start()
    training.wait_for("progress", step=10)
    training.ask("checkpoint")
    asked = training.wait_for("checkpoint", reason="asked")
    training.ask("sample")
    drawn = training.wait_until(lambda: training.events("sample")[1:])[0]
    training.wait_until(lambda: not list((training.workspace / "control").iterdir()))
    training.kill()
    assert training.steps_saved() == [asked["step"]]
    assert (training.workspace / drawn["path"]).is_file()


def test_a_request_meant_for_an_earlier_process_is_forgotten(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", BRIEF)
    (training.workspace / "control").mkdir()
    training.ask("stop")
    assert training.run() == 0


def test_a_line_torn_by_a_crash_harms_no_other(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", BRIEF)
    metrics = training.workspace / "metrics.jsonl"
    metrics.write_text('{"v": 1, "seq": 41, "type": "log"}\n{"v": 1, "seq": 42, "type": "prog')
    assert training.run() == 0
    lines = metrics.read_text().splitlines()
    assert lines[1] == '{"v": 1, "seq": 42, "type": "prog'
    assert [json.loads(line)["seq"] for line in lines[2:4]] == [42, 43]


def test_unknown_and_wrong_keys_end_it_with_code_2_and_their_names(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {"stpes": 5, "width": "wide", "blocks": 99})
    assert training.run() == 2
    (error,) = training.events("error")
    assert "unknown key 'stpes', did you mean 'steps'?" in error["message"]
    assert "width: 'wide' is not a whole number" in error["message"]
    assert "blocks: 99 is not between 1 and 12" in error["message"]
    assert error["message"] in training.log


def test_a_loss_that_is_no_number_ends_it_with_code_1(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**BRIEF, "steps": 10})
    training.run()
    weights = training.workspace / training.newest() / "model.safetensors"
    save_file({k: np.full_like(v, np.nan) for k, v in load_file(weights).items()}, weights)
    training.config["steps"] = 20
    assert training.run(training.newest()) == 1
    (error,) = training.events("error")
    assert "the loss became nan at step 11" in error["message"]
    assert "lower learning_rate" in error["message"]
    assert training.steps_saved() == [10]
    told = training.trainer.outcome(training.config, training.workspace, 1)
    assert told[0] is False
    assert told[1].startswith("The loss became nan")
