"""Going on after an interruption gives the very run that was interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.exam import Exam
from tests.plugins.tiny_trainer.trainings import SMALL, Training, same_tensors

FINAL = "checkpoints/checkpoint-300"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A run that nobody interrupted."""
    training = Training(tmp_path_factory.mktemp("whole") / "w", SMALL)
    assert training.run() == 0
    return training


@pytest.mark.parametrize(("how", "code"), [("SIGKILL", -9), ("SIGTERM", 143), ("stop", 143)])
def test_an_interrupted_run_ends_with_the_same_bits(
    tmp_path: Path, whole: Training, exam: Exam, how: str, code: int
) -> None:
    training, path = Training(tmp_path / "w", SMALL), None
    steps = exam.random.sample(range(51, 300), exam.count("interruptions", 1, 10))
    for step in sorted(steps):
        assert training.interrupt(step, how, path) == code
        path = training.newest()
    assert training.run(path) == 0
    assert training.losses() == whole.losses()
    assert same_tensors(training.workspace / FINAL, whole.workspace / FINAL)
    assert training.pictures() == whole.pictures()


def test_a_run_that_goes_on_says_so(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 100})
    training.interrupt(70, "SIGKILL")
    assert training.run("checkpoints/checkpoint-50") == 0
    (resume,) = training.events("resume")
    assert (resume["step"], resume["own"]) == (50, True)
    assert "going on after step 50" in training.log
    assert [e["step"] for e in training.events("progress")] == [*range(1, 71), *range(51, 101)]


def test_a_finished_run_that_goes_on_only_says_that_it_is_finished(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 20})
    training.run()
    told = len(training.events("progress"))
    assert training.run(training.newest()) == 0
    assert len(training.events("progress")) == told
    assert training.events("status")[-1]["status"] == "completed"


def test_a_finished_run_can_be_made_longer(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 20})
    training.run()
    training.config["steps"] = 30
    assert training.run(training.newest()) == 0
    assert sorted(training.losses()) == list(range(1, 31))
    assert "note: config: steps was 20, is 30" in training.log


def test_a_round_of_samples_that_a_stop_cut_short_is_drawn_later(
    tmp_path: Path, whole: Training
) -> None:
    training = Training(tmp_path / "w", SMALL)
    assert training.interrupt(150, "SIGTERM") == 143
    assert training.newest() == "checkpoints/checkpoint-150"
    assert not (training.workspace / "samples/step-000150.png").exists()
    assert training.run(training.newest()) == 0
    assert training.pictures() == whole.pictures()


def test_changed_pictures_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    write_pictures(folder, "red", "blue")
    training = Training(tmp_path / "w", {**SMALL, "steps": 10, "data": str(folder)})
    assert training.run() == 0
    (folder / "red.txt").write_text("crimson")
    assert training.run(training.newest()) == 2
    assert "its data differs" in training.events("error")[-1]["message"]


def test_a_changed_architecture_is_refused(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 10})
    training.run()
    training.config["width"] = 48
    assert training.run(training.newest()) == 2
    assert "width was 32, is 48" in training.events("error")[-1]["message"]


def test_a_checkpoint_that_is_not_there_is_refused(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", SMALL)
    assert training.run("checkpoints/checkpoint-7") == 2
    assert "is no complete checkpoint" in training.events("error")[-1]["message"]


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    training = Training(tmp_path / "w", {**SMALL, "steps": 10})
    training.run()
    weights = training.workspace / training.newest() / "ema.safetensors"
    weights.write_bytes(b"\xff" * weights.stat().st_size)
    assert training.run(training.newest()) == 2
    assert "is damaged (ema" in training.events("error")[-1]["message"]


@pytest.mark.parametrize("given", ["checkpoint", "workspace"])
def test_a_checkpoint_of_another_job_lends_its_weights_to_step_0(
    tmp_path: Path, whole: Training, given: str
) -> None:
    start = whole.workspace / FINAL if given == "checkpoint" else whole.workspace
    training = Training(tmp_path / "w", {**SMALL, "steps": 20, "seed": 7})
    assert training.run(str(start)) == 0
    (resume,) = training.events("resume")
    assert (resume["step"], resume["own"]) == (0, False)
    assert sorted(training.losses()) == list(range(1, 21))
    assert training.losses()[1] < whole.losses()[1] / 4


def test_a_checkpoint_remembers_where_equal_bits_can_be_expected(whole: Training) -> None:
    state = json.loads((whole.workspace / FINAL / "training_state.json").read_text())
    assert state["step"] == 300
    assert state["elapsed_seconds"] > 0
    assert state["environment"]["blas_threads"] == "1"
    assert all(state["environment"][key] for key in ("numpy", "blas", "cpu", "machine"))


def write_pictures(folder: Path, *colours: str) -> None:
    from PIL import Image

    folder.mkdir()
    for colour in colours:
        Image.new("RGB", (20, 16), colour).save(folder / f"{colour}.png")
        (folder / f"{colour}.txt").write_text(colour)
