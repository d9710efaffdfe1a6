"""The server is killed in the middle of a training: nothing stops, nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import signal

import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.listening import Listener
from tests.journeys.training import TINY, Training
from tests.stories import Story

pytestmark = pytest.mark.slow
STEPS = TINY["steps"]


def test_a_training_goes_on_without_its_server_and_the_next_one_adopts_it(
    own_server: ServerProcess,
) -> None:
    with Story(own_server) as story:
        number = story.submit("local_gpu", "tiny_trainer", config=TINY)
        facts, log = "/api/events", f"/api/cloud/jobs/{number}/logs/stream"
        before = Listener(own_server, facts, last_id=0), Listener(own_server, log)
        words = ["simpletuner", "jobs", "get", number, "--follow", "--format", "json"]
        follower = own_server.beside(*words, SIMPLETUNER_PORT=str(own_server.port))
        training = Training(own_server, number)
        training.is_at(100)

        own_server.kill()
        for each in before:
            each.end()
        trainer, told = training.trainer(), len(training.steps())
        training.is_at(told + 100)
        os.kill(trainer, signal.SIGSTOP)  # it must not be done before somebody can adopt it
        own_server.start()
        assert story.job(number)["status"] == "running"
        os.kill(trainer, signal.SIGCONT)
        after = (
            Listener(
                own_server,
                facts,
                last_id=before[0].numbers[-1],
                is_last=lambda message: message.data.get("type") == "job.completed",
            ),
            Listener(own_server, log, last_id=before[1].numbers[-1]),
        )

        job = story.wait(number)
        assert (job["status"], job["attempt"]) == ("completed", 1)
        (attempt,) = story.attempts(number)
        assert (attempt["outcome"], attempt["exit_code"]) == ("completed", 0)
        assert training.trainer() == trainer

        whole = list(range(1, STEPS + 1))
        assert training.steps() == whole
        assert [step for step, _ in story.curve(number)] == whole
        assert training.logged_steps() == whole

        after[0].end()
        seen = before[0].numbers + after[0].numbers
        assert seen == list(range(1, seen[-1] + 1))
        after[1].end()
        pieces = [each.text for half in (before[1], after[1]) for each in half.facts]
        assert "".join(pieces) == (training.folder / "log").read_text("utf-8")
        shown, _ = follower.communicate()
        assert (follower.returncode, json.loads(shown)["status"]) == (0, "completed")
        assert story.log(number) == (training.folder / "log").read_text("utf-8")
    assert training.living() == []
