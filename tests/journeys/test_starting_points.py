"""Where a job begins and when it must end: another job's checkpoint, and a time limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.training import ENDLESS, TINY, Training
from tests.stories import Story

pytestmark = pytest.mark.slow
LIMIT_SECONDS = 5


@pytest.fixture(scope="module", autouse=True)
def limited(workshop: ServerProcess) -> Iterator[str]:
    """A job with a time limit, begun before all stories so that none has to wait for it."""
    with Story(workshop) as story:
        yield story.submit(
            "local_gpu", "tiny_trainer", config=ENDLESS, time_limit_seconds=LIMIT_SECONDS
        )


def test_a_job_starts_from_another_jobs_checkpoint(story: Story, workshop: ServerProcess) -> None:
    short = {**TINY, "steps": 100}
    source = story.train("local_gpu", "tiny_trainer", config=short)["job_id"]
    told = {"start_from_job_id": source, "start_from_checkpoint": "50"}
    number = story.train("local_gpu", "tiny_trainer", config=short, **told)["job_id"]
    training = Training(workshop, number)
    (begun,) = training.events("resume")
    named = Training(workshop, source).folder / "checkpoints" / "checkpoint-50"
    assert (begun["path"], begun["step"], begun["own"]) == (str(named), 0, False)
    assert training.steps() == list(range(1, 101))
    assert story.curve(number) != story.curve(source)

    newest = story.train("local_gpu", "tiny_trainer", config=short, start_from_job_id=source)
    (begun,) = Training(workshop, newest["job_id"]).events("resume")
    assert begun["path"].endswith("/checkpoint-100")


def test_a_job_cannot_start_from_what_is_not_there(story: Story) -> None:
    for told, code in (
        ({"start_from_job_id": "999999"}, 404),
        ({"start_from_checkpoint": "50"}, 400),
    ):
        body = {"trainer": "tiny_trainer", "config": dict(TINY), **told}
        answer = story.client.post("/api/cloud/local_gpu/submit", json=body)
        assert answer.status_code == code, answer.text


def test_at_its_time_limit_a_job_saves_and_fails_and_is_not_tried_again(
    story: Story, workshop: ServerProcess, limited: str
) -> None:
    job = story.wait(limited)
    training = Training(workshop, limited)
    (saved,) = training.checkpoints()
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert job["error_message"] == f"The time limit of 5 s was reached at step {saved:,}."
    assert training.living() == []
