"""The trainer, its supervisor or the machine dies: the job goes on by itself, to the same end.

The control is a job of the same config that nobody disturbed: equal weights bit for bit, the same
curve, each step once.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.training import TINY, Training, until
from tests.stories import Story

pytestmark = pytest.mark.slow
STEPS = TINY["steps"]


@pytest.fixture(scope="module")
def undisturbed(workshop: ServerProcess) -> dict[str, Any]:
    """What an uninterrupted run of the same config gives: its last weights and its curve."""
    with Story(workshop) as story:
        number = story.train("local_gpu", "tiny_trainer", config=TINY)["job_id"]
        told = {"tensors": Training(workshop, number).tensors(STEPS), "curve": story.curve(number)}
    assert [step for step, _ in told["curve"]] == list(range(1, STEPS + 1))
    return told


def kill_the_trainer(training: Training) -> None:
    os.kill(training.trainer(), signal.SIGKILL)


def kill_the_shepherd(training: Training) -> None:
    os.kill(training.trainer(), signal.SIGSTOP)  # it must not be done before anybody notices
    os.kill(training.shepherd(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("kill", "outcome", "why"),
    [
        (kill_the_trainer, "failed", "killed from outside (signal 9)"),
        (kill_the_shepherd, "lost", "Its shepherd process was killed"),
    ],
)
def test_a_killed_training_goes_on_from_its_last_checkpoint(
    story: Story,
    workshop: ServerProcess,
    undisturbed: dict[str, Any],
    kill: Callable[[Training], None],
    outcome: str,
    why: str,
) -> None:
    number = story.submit("local_gpu", "tiny_trainer", config=TINY)
    training = Training(workshop, number)
    training.is_at(120)
    kill(training)

    job = story.wait(number)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert_it_went_on_once(story, training, outcome, why)
    assert training.tensors(STEPS) == undisturbed["tensors"]
    assert story.curve(number) == undisturbed["curve"]
    assert training.living() == []


def test_after_a_restart_of_the_machine_a_training_goes_on(
    own_server: ServerProcess, undisturbed: dict[str, Any]
) -> None:
    with Story(own_server) as story:
        number = story.submit("local_gpu", "tiny_trainer", config=TINY)
        training = Training(own_server, number)
        training.is_at(120)
        cut_the_power(own_server, training)
        own_server.start()

        job = story.wait(number)
        assert (job["status"], job["attempt"]) == ("completed", 2)
        assert_it_went_on_once(story, training, "lost", "The machine restarted.")
        assert training.tensors(STEPS) == undisturbed["tensors"]
        assert story.curve(number) == undisturbed["curve"]


def cut_the_power(server: ServerProcess, training: Training) -> None:
    """End all processes at once, and let the records be those of an earlier boot."""
    server.kill()
    os.kill(training.shepherd(), signal.SIGKILL)
    os.kill(training.trainer(), signal.SIGKILL)
    until(lambda: not training.living())
    path = training.folder / "run" / "1" / "proc.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"boot_id": "the boot before"}))


def assert_it_went_on_once(story: Story, training: Training, outcome: str, why: str) -> None:
    """Check what the job's attempts tell, and that the second did not begin anew."""
    first, second = story.attempts(training.number)
    assert first["outcome"] == outcome
    assert why in first["message"]
    saved = int(second["resume_from"].rpartition("-")[2])
    assert saved >= 100
    assert second["resume_from"] == f"checkpoints/checkpoint-{saved}"
    assert second["outcome"] == "completed"
    told, left = training.steps(), STEPS - saved
    before, after = told[:-left], told[-left:]
    assert before == list(range(1, len(before) + 1))
    assert after == list(range(saved + 1, STEPS + 1))
