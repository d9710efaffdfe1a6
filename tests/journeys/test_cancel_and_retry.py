"""Somebody ends a job, and runs it again: from where it was saved, or from the beginning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.training import ENDLESS, QUICK, TINY, Training, until
from tests.stories import Story

pytestmark = pytest.mark.slow


def test_a_cancelled_job_has_saved_and_can_go_on_from_there(
    story: Story, workshop: ServerProcess
) -> None:
    number = story.submit("local_gpu", "tiny_trainer", config=ENDLESS)
    training = Training(workshop, number)
    training.is_at(20)
    answer = story.post(f"/api/cloud/jobs/{number}/cancel")
    assert (answer["status"], answer["message"]) == (
        "running",
        "It is asked to save a checkpoint and end.",
    )
    assert story.wait(number)["status"] == "cancelled"
    (saved,) = training.checkpoints()
    assert saved >= 20
    assert story.attempts(number)[0]["message"] == f"Cancelled at step {saved}."
    assert training.living() == []

    story.post(f"/api/cloud/jobs/{number}/retry")
    until(lambda: training.steps()[-1] > saved)
    assert training.events("resume")[0]["step"] == saved
    story.post(f"/api/cloud/jobs/{number}/cancel")
    job = story.wait(number)
    assert (job["status"], job["attempt"]) == ("cancelled", 2)
    assert story.attempts(number)[1]["resume_from"] == f"checkpoints/checkpoint-{saved}"
    steps = [step for step, _ in story.curve(number)]
    assert steps == list(range(1, len(steps) + 1))
    assert training.living() == []


def interrupted_at(
    step: int, story: Story, server: ServerProcess, config: Mapping[str, Any]
) -> tuple[str, Training]:
    """Return a job that was cancelled at `step` or soon after, and its training."""
    number = story.submit("local_gpu", "tiny_trainer", config=config)
    training = Training(server, number)
    training.is_at(step)
    story.post(f"/api/cloud/jobs/{number}/cancel")
    assert story.wait(number)["status"] == "cancelled"
    return number, training


def test_a_job_that_begins_anew_does_not_meet_the_run_before(
    story: Story, workshop: ServerProcess
) -> None:
    config = {**TINY, "checkpoint_every": 10, "keep_checkpoints": 2}
    number, training = interrupted_at(60, story, workshop, config)
    before, told = training.checkpoints(), len(training.steps())

    story.post(f"/api/cloud/jobs/{number}/retry", {"fresh": True})
    training.kill(attempt=2)  # soon: the third attempt must not go on from the first one's end
    assert story.wait(number)["status"] == "completed"
    assert story.attempts(number)[1]["resume_from"] is None
    assert set(training.steps()[told:]) == set(range(1, 601))
    assert training.checkpoints() == [590, 600]
    assert [step for step, _ in story.curve(number)] == list(range(1, 601))
    listed = story.read(f"/api/cloud/jobs/{number}/artifacts")
    assert [each["step"] for each in listed["checkpoints"]] == [590, 600]
    kept = {each["path"].rpartition("/")[0] for each in listed["artifacts"]}
    assert {f"earlier/before-attempt-2/checkpoints/checkpoint-{step}" for step in before} <= kept


def test_a_job_goes_on_from_the_checkpoint_that_is_named(
    story: Story, workshop: ServerProcess
) -> None:
    config = {**TINY, "checkpoint_every": 10, "keep_checkpoints": 3}
    number, training = interrupted_at(60, story, workshop, config)
    first, *later = training.checkpoints()
    wrong = story.client.post(f"/api/cloud/jobs/{number}/retry", json={"checkpoint": "7"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "not_found")
    assert str(first) in wrong.json()["detail"]

    story.post(f"/api/cloud/jobs/{number}/retry", {"checkpoint": str(first)})
    until(lambda: len(training.events("resume")) == 1)
    assert training.events("resume")[0]["step"] == first
    earlier = training.folder / "earlier" / "before-attempt-2" / "checkpoints"
    assert {each.name for each in earlier.iterdir()} == {f"checkpoint-{step}" for step in later}
    assert story.wait(number)["status"] == "completed"
    assert training.checkpoints() == [580, 590, 600]


def test_a_waiting_job_is_cancelled_at_once_and_never_starts(
    story: Story, workshop: ServerProcess
) -> None:
    story.post("/api/queue/pause")
    try:
        number = story.submit("local_gpu", "tiny_trainer", config=TINY)
        assert story.post(f"/api/cloud/jobs/{number}/cancel")["status"] == "cancelled"
    finally:
        story.post("/api/queue/resume")
    other = story.train("local_gpu", "tiny_trainer", config=QUICK)[
        "job_id"
    ]  # the queue has moved on meanwhile
    assert int(other) > int(number)
    assert (story.job(number)["status"], story.attempts(number)) == ("cancelled", [])
    assert not list((workshop.state_dir / "jobs").glob(f"{number}-*"))
    again = story.client.post(f"/api/cloud/jobs/{number}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "invalid_job_state")


def test_several_jobs_are_cancelled_together_whatever_they_do(
    story: Story, workshop: ServerProcess
) -> None:
    numbers = [story.submit("local_gpu", "tiny_trainer", config=ENDLESS) for _ in range(3)]
    trainings = [Training(workshop, number) for number in numbers]
    trainings[0].is_at(1)
    ended = story.train("local_gpu", "tiny_trainer", config=QUICK)["job_id"]
    answer = story.post("/api/cloud/jobs/cancel", {"job_ids": [*numbers, ended, "999999"]})
    told = {each["job_id"]: each["success"] for each in answer["results"]}
    assert told == dict.fromkeys(numbers, True) | {ended: False, "999999": False}
    assert (answer["cancelled"], answer["success"]) == (3, False)
    assert [story.wait(number)["status"] for number in numbers] == ["cancelled"] * 3
    assert [training.living() for training in trainings] == [[], [], []]


def test_a_deleted_job_leaves_nothing(story: Story, workshop: ServerProcess) -> None:
    number = story.submit("local_gpu", "tiny_trainer", config=ENDLESS)
    training = Training(workshop, number)
    training.is_at(1)
    path = f"/api/cloud/jobs/{number}"
    refused = story.client.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_job_state")
    story.post(f"{path}/cancel")
    story.wait(number)
    folder = training.folder
    assert story.client.delete(path).is_success
    assert not folder.exists()
    assert story.get(path).status_code == 404
    assert number not in {job["job_id"] for job in story.read("/api/cloud/jobs?limit=100")["jobs"]}
