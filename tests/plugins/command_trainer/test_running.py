"""Whole jobs with the toy script under the real shepherd: to the end, crashed, cancelled."""

from __future__ import annotations

import json
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

from .conftest import TOY

WAIT_SECONDS = 60.0
TRAINER = "command:toy"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(
        plugins=["local_gpu", "command_trainer"], command_trainer__profiles={"toy": TOY}
    )


def told(app: Flask, job_id: str) -> tuple[Job, Path, Reader]:
    """Return the job, its workspace, and a reader that has read everything."""
    with app.app_context():
        job = db.session.get_one(Job, int(job_id))
        folder = workspaces.of(job)
        trainer = app.extensions["st"].trainers[TRAINER]
        reader = Reader(folder, trainer.sources(job.config, folder))
        reader.advance()
        return job, folder, reader


def test_a_script_that_knows_nothing_of_us_shows_steps_metrics_and_checkpoints(
    app: Flask, run_job: Callable[..., str]
) -> None:
    config = {"steps": 60, "note": "--not-an-option"[2:]}
    job_id = run_job(app=app, provider="local_gpu", trainer=TRAINER, config=config)
    job, folder, reader = told(app, job_id)
    assert job.state is JobState.COMPLETED
    assert (reader.latest.step, reader.latest.total) == (60, 60)
    curve = reader.series(["loss"])["loss"]
    assert [step for step, _ in curve] == [10, 20, 30, 40, 50, 60]
    assert curve[0][1] > curve[-1][1]
    assert "seen good not-an-option" in (folder / "log").read_text()
    trainer = app.extensions["st"].trainers[TRAINER]
    assert [each.step for each in trainer.checkpoints(folder)] == [20, 40, 60]


def test_a_crash_resumes_from_the_last_whole_checkpoint(
    app: Flask, run_job: Callable[..., str]
) -> None:
    config = {"steps": 60, "crash_at": 47}
    job_id = run_job(app=app, provider="local_gpu", trainer=TRAINER, config=config)
    job, folder, reader = told(app, job_id)
    assert (job.state, job.attempt) == (JobState.COMPLETED, 2)
    assert [step for step, _ in reader.series(["loss"])["loss"]] == [10, 20, 30, 40, 50, 60]
    unbroken = run_job(app=app, provider="local_gpu", trainer=TRAINER, config={"steps": 60})
    _, other, _ = told(app, unbroken)
    final = "output/final.json"
    assert json.loads((folder / final).read_text()) == json.loads((other / final).read_text())


def test_a_crash_without_another_attempt_is_told_in_the_scripts_own_words(
    app: Flask, run_job: Callable[..., str]
) -> None:
    config = {"steps": 60, "crash_at": 7}
    job_id = run_job(app=app, provider="local_gpu", trainer=TRAINER, config=config, max_attempts=1)
    job, _, _ = told(app, job_id)
    assert job.state is JobState.FAILED
    assert "RuntimeError: the disk is on fire at step 7" in (job.error_message or "")


def test_a_cancel_sends_the_profiles_signal_and_waits_for_its_checkpoint(
    app: Flask, tmp_path: Path
) -> None:
    workspace = tmp_path / "jobs" / "1-abc"
    workspace.mkdir(parents=True)
    provider = app.extensions["st"].providers["local_gpu"]
    trainer = app.extensions["st"].trainers[TRAINER]
    config, _ = trainer.validate({"steps": 5000, "pause": 0.02})
    launch = trainer.launch(config, workspace)
    order = Order("abc-1", 1, "abc", 1, workspace, TRAINER, config, launch, devices=("cpu-0",))
    with app.app_context():
        state = provider.start(order, {})
        _until(lambda: (provider.poll(state).step or 0) >= 5)
        provider.stop(state)

        def ended() -> Progress | None:
            progress: Progress = provider.poll(state)
            return progress if progress.phase.is_final else None

        assert _until(ended).phase is Phase.CANCELLED
    (saved,) = trainer.checkpoints(workspace)
    assert 5 <= saved.step < 5000


def _until(holds: Callable[[], Any]) -> Any:
    """Return what `holds` returns once it is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (found := holds()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found
