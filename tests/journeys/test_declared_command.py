"""A command that an administrator declared in the configuration file, run by somebody's job."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from st_local_gpu.shepherd import kin

from st_core.testing.server import ServerProcess
from tests.journeys.training import Training, until
from tests.stories import Story

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parent / "stubborn.py"

DECLARED = f"""
queue: {{max_concurrent: 8, user_max_concurrent: 8, local_job_max_concurrent: 8}}
local_gpu: {{cpu_slots: 8}}
command_trainer:
  profiles:
    stubborn:
      title: A script of ours
      program: {sys.executable}
      variables:
        script: {SCRIPT}
      arguments: ["{{script}}", "--output={{output_dir}}", "--steps={{steps}}", "--lr={{lr}}"]
      parameters:
        steps: {{type: int, required: true, minimum: 1, maximum: 1000000, help: Length.}}
        lr: {{type: float, default: 0.1, minimum: 0, help: Step size.}}
      gpus: 0
      steps: steps
      checkpoints: {{pattern: "output/state-*.json"}}
      grace_seconds: 0.5
      completion: {{steps: true}}
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose configuration file, in YAML, declares the script."""
    server = ServerProcess(tmp_path_factory.mktemp("declared"))
    (server.state_dir / "simpletuner-enterprise.yaml").write_text(DECLARED)
    yield server.start()
    server.clean()


def test_its_progress_is_seen_and_nothing_of_it_survives_a_cancel(
    story: Story, workshop: ServerProcess
) -> None:
    number = story.submit("local_gpu", "command:stubborn", config={"steps": 100_000})
    training = Training(workshop, number)
    until(lambda: (story.job(number)["progress"]["step"] or 0) >= 20)
    told = story.job(number)["progress"]
    assert (told["total"], "loss" in told["metrics"]) == (100_000, True)
    curve = story.curve(number)
    assert [step for step, _ in curve] == sorted({step for step, _ in curve})
    saved = story.read(f"/api/cloud/jobs/{number}/artifacts")["checkpoints"]
    assert [each["step"] for each in saved][:2] == [10, 20]
    everybody = kin.below(training.shepherd())
    assert len(everybody) == 2

    story.post(f"/api/cloud/jobs/{number}/cancel")
    assert story.wait(number)["status"] == "cancelled"
    assert training.living() == []
    assert [each for each in everybody if kin.is_alive(each)] == []
    assert training.record("exit.json")["escalated"] is True


def test_a_command_that_ends_well_completes(story: Story) -> None:
    job = story.train("local_gpu", "command:stubborn", config={"steps": 30})
    assert (job["progress"]["step"], job["attempt"]) == (30, 1)


def test_an_error_of_its_configuration_is_not_tried_again(story: Story) -> None:
    number = story.submit("local_gpu", "command:stubborn", config={"steps": 10, "lr": 0})
    job = story.wait(number)
    assert (job["status"], job["attempt"], job["max_attempts"]) == ("failed", 1, 3)
    assert "argument --lr: must be greater than 0" in job["error_message"]


def test_a_submitter_cannot_go_beyond_what_was_declared(story: Story) -> None:
    for config, path in (({"steps": 0}, "steps"), ({"steps": 5, "output": "/"}, "output")):
        body = {"trainer": "command:stubborn", "config": config}
        answer = story.client.post("/api/cloud/local_gpu/submit", json=body)
        assert answer.status_code == 400
        assert [each["path"] for each in answer.json()["errors"]] == [f"config.{path}"]
