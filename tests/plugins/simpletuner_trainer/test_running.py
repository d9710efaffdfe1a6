"""Whole jobs with the stand-in under the real shepherd: to the end, cancelled, killed, failing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import JobState, Order
from st_core.db import db
from st_core.models import Job
from st_core.progress.reader import Reader
from st_core.progress.readings import Phase, Progress
from st_core.services import workspaces

from .conftest import STANDIN

WAIT_SECONDS = 60.0
PLUGIN = "simpletuner_trainer"


def make(make_app: Callable[..., Flask], **environment: str) -> Flask:
    return make_app(
        plugins=["local_gpu", PLUGIN],
        simpletuner_trainer__python=sys.executable,
        simpletuner_trainer__cpu=True,
        simpletuner_trainer__environment={"PYTHONPATH": str(STANDIN), **environment},
    )


def until(holds: Callable[[], Any]) -> Any:
    """Return what `holds` returns once it is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (found := holds()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found


def told(app: Flask, job_id: str) -> tuple[Job, Path, Reader]:
    """Return the job, its workspace, and a reader that has read everything."""
    with app.app_context():
        job = db.session.get_one(Job, int(job_id))
        folder = workspaces.of(job)
        trainer = app.extensions["st"].trainers[PLUGIN]
        reader = Reader(folder, trainer.sources(job.config, folder))
        reader.advance()
        return job, folder, reader


def test_a_job_runs_to_its_end_with_curve_samples_and_checkpoints(
    make_app: Callable[..., Flask], run_job: Callable[..., str], config: dict[str, Any]
) -> None:
    app = make(make_app)
    asked = {f"--{key}": value for key, value in config.items()}
    job_id = run_job(app=app, provider="local_gpu", trainer=PLUGIN, config=asked)
    job, folder, reader = told(app, job_id)
    assert job.state is JobState.COMPLETED
    assert reader.series(["loss"])["loss"] == [(n, pytest.approx(1 / n)) for n in range(1, 9)]
    assert (reader.latest.total, reader.latest.completed) == (8, True)
    trainer = app.extensions["st"].trainers[PLUGIN]
    assert [each.step for each in trainer.checkpoints(folder)] == [4, 8]
    assert [each.path for each in trainer.samples(folder)] == [
        "output/validation_images/step_4_validation_0_64x64.png",
        "output/validation_images/step_8_validation_0_64x64.png",
    ]
    assert oct((folder / "simpletuner/config.json").stat().st_mode & 0o777) == "0o600"


def test_a_killed_training_goes_on_from_its_last_checkpoint_by_itself(
    make_app: Callable[..., Flask], run_job: Callable[..., str], config: dict[str, Any]
) -> None:
    app = make(make_app, STANDIN_DIE_AT="6")
    job_id = run_job(app=app, provider="local_gpu", trainer=PLUGIN, config=config)
    job, folder, reader = told(app, job_id)
    assert (job.state, job.attempt) == (JobState.COMPLETED, 2)
    assert "Resumed from global_step 4" in (folder / "log").read_text()
    assert [step for step, _ in reader.series(["loss"])["loss"]] == list(range(1, 9))


@pytest.mark.parametrize(
    ("change", "told_why"),
    [
        ({"no_such_option": 3}, "train.py: error: unrecognized arguments: --no_such_option=3"),
        (
            {"pretrained_model_name_or_path": "missing/model"},
            "OSError: missing/model is not a local folder",
        ),
        ({"dataloader_config": None, "data_backend_config": "empty.json"}, "FileNotFoundError"),
    ],
)
def test_a_failure_is_told_in_the_trainers_own_words(
    make_app: Callable[..., Flask],
    run_job: Callable[..., str],
    config: dict[str, Any],
    change: dict[str, Any],
    told_why: str,
) -> None:
    app = make(make_app)
    given = {key: value for key, value in {**config, **change}.items() if value is not None}
    job_id = run_job(app=app, provider="local_gpu", trainer=PLUGIN, config=given, max_attempts=1)
    job, _, _ = told(app, job_id)
    assert job.state is JobState.FAILED
    assert told_why in (job.error_message or "")


def test_exit_code_0_without_a_finished_training_is_no_success(
    app: Flask, workspace: Path, attempt: Callable[..., dict[str, Any]]
) -> None:
    (workspace / "nothing.json").write_text("[]")
    state = attempt(dataloader_config=None, data_backend_config="nothing.json")
    progress = final(app, state)
    assert (progress.phase, progress.exit_code) == (Phase.FAILED, 0)
    assert "stopped early" in progress.message


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Any:
    app = make(make_app, STANDIN_PAUSE="0.05")
    with app.app_context():
        yield app


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs" / "1-abc"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def attempt(app: Flask, workspace: Path, config: dict[str, Any]) -> Any:
    """Start an attempt of 400 slow steps under a shepherd; it is stopped at the end."""
    provider = app.extensions["st"].providers["local_gpu"]
    states: list[dict[str, Any]] = []

    def start(**changes: Any) -> dict[str, Any]:
        changes = {"max_train_steps": 400, "checkpoint_step_interval": 390, **changes}
        given = {key: value for key, value in {**config, **changes}.items() if value is not None}
        launch = app.extensions["st"].trainers[PLUGIN].launch(given, workspace)
        order = Order(
            key=f"abc-{len(states) + 1}",
            job_id=1,
            job_key="abc",
            attempt=len(states) + 1,
            workspace=workspace,
            trainer=PLUGIN,
            config=given,
            launch=launch,
            devices=("cpu-0",),
        )
        states.append(provider.start(order, {}))
        return states[-1]

    yield start
    for state in states:
        provider.stop(state)
        final(app, state)


def final(app: Flask, state: dict[str, Any]) -> Progress:
    provider = app.extensions["st"].providers["local_gpu"]

    def ended() -> Progress | None:
        progress: Progress = provider.poll(state)
        return progress if progress.phase.is_final else None

    return until(ended)


def test_a_cancel_saves_a_checkpoint_first_and_leaves_no_process(
    app: Flask, workspace: Path, attempt: Callable[..., dict[str, Any]]
) -> None:
    state = attempt()
    provider = app.extensions["st"].providers["local_gpu"]
    until(lambda: (provider.poll(state).step or 0) >= 3)
    provider.stop(state)
    assert final(app, state).phase is Phase.CANCELLED
    (saved,) = app.extensions["st"].trainers[PLUGIN].checkpoints(workspace)
    assert saved.step >= 3
    lines = (workspace / "output/training_metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] < 400


def test_a_checkpoint_can_be_asked_for_again_and_again(
    app: Flask, workspace: Path, attempt: Callable[..., dict[str, Any]]
) -> None:
    state = attempt()
    provider = app.extensions["st"].providers["local_gpu"]
    trainer = app.extensions["st"].trainers[PLUGIN]
    until(lambda: (provider.poll(state).step or 0) >= 1)
    for count in (1, 2):
        provider.checkpoint(state)
        until(lambda wanted=count: len(trainer.checkpoints(workspace)) == wanted)
    provider.stop(state)
    final(app, state)
    assert len(trainer.checkpoints(workspace)) == 3
