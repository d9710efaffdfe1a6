"""Logs as JSON, and secrets: planted everywhere they come in, found nowhere they must not be."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.training import QUICK, Training, until
from tests.plugins.simpletuner_trainer.conftest import CONFIG, STANDIN
from tests.stories import Story

pytestmark = pytest.mark.slow

HUB_TOKEN = "hf_" + "PlantedHubToken1234567890abcdef"
PASSED_BY_MISTAKE = "hf_" + "PlantedInTheServersEnvironment42"


@pytest.fixture
def logging_json(server: Callable[..., ServerProcess]) -> ServerProcess:
    """A server that logs JSON, everything, and holds a token for the Hub in its environment."""
    return server(
        logging__level="debug",
        simpletuner_trainer__python=sys.executable,
        simpletuner_trainer__cpu=True,
        simpletuner_trainer__environment={"PYTHONPATH": str(STANDIN), "STANDIN_PAUSE": "0.5"},
        simpletuner_trainer__allowed_roots=["/"],
        env={
            "SIMPLETUNER_LOG_FORMAT": "json",
            "SIMPLETUNER_TRAINER_HUB_TOKEN": HUB_TOKEN,
            "HF_TOKEN": PASSED_BY_MISTAKE,
        },
    )


def test_every_line_is_json_and_no_secret_is_written_anywhere(logging_json: ServerProcess) -> None:
    running = logging_json.start()
    making = running.beside("flask", "st", "api-keys", "create", "planted")
    key = making.communicate()[0].strip()
    assert key.startswith("st_")
    config = {**CONFIG, "push_to_hub": True, "hub_model_id": "org/result"}
    with Story(running) as story:
        story.client.headers["X-Request-ID"] = "story-11"
        number = story.submit("local_gpu", "simpletuner_trainer", config=config)
        training = Training(running, number)
        trainer = training.trainer()
        # the token is where it belongs: with the trainer that pushes, and nowhere else
        given = psutil.Process(trainer).environ()
        assert given["HF_TOKEN"] == HUB_TOKEN
        assert PASSED_BY_MISTAKE not in given.values()
        assert HUB_TOKEN not in psutil.Process(training.shepherd()).environ().values()
        use_the_key_in_every_way(story, key)
        words = [" ".join(each.cmdline()) for each in running.leftovers()]
        assert story.wait(number)["status"] == "completed"

        other = story.train("local_gpu", "tiny_trainer", config=QUICK)["job_id"]
        assert "HF_TOKEN" not in Training(running, other).record("launch.json")["environment"]
    assert running.end() == 0

    secrets = (key, HUB_TOKEN, PASSED_BY_MISTAKE)
    assert [line for line in words if any(secret in line for secret in secrets)] == []
    assert holders(running.state_dir, secrets) == []
    lines = [json.loads(line) for line in printed(running)]
    asked = [line for line in lines if line["logger"] == "st_core.access_log"]
    assert {line["request_id"] for line in asked if line["path"].endswith("/submit")} == {
        "story-11"
    }
    assert all(line["request_id"] and line["method"] for line in asked)
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))


def use_the_key_in_every_way(story: Story, key: str) -> None:
    """Send the key right, wrong, and where no key belongs."""
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"X-API-Key": key},
        {"X-API-Key": key + "x"},
        {"Authorization": f"Basic {key}"},
        {"Authorization": f"Bearer {key}", "X-API-Key": "st_other"},
        {"X-Request-ID": key},
        {"User-Agent": f"script with {HUB_TOKEN}"},
    ):
        story.get("/api/auth/me", headers=headers)
    story.get("/api/auth/me", params={"api_key": key})
    story.get(f"/api/cloud/jobs/{key}")
    story.client.post("/api/cloud/local_gpu/submit", json={"config": {"hub_token": HUB_TOKEN}})
    story.client.post("/api/cloud/local_gpu/submit", content=f'{{"token": "{key}", broken')
    story.client.post("/api/queue/concurrency", json={"max_concurrent": key})
    story.client.post("/api/queue/pause", headers={"X-Request-ID": key})
    story.client.post("/api/queue/resume", headers={"X-Request-ID": HUB_TOKEN})


def printed(server: ServerProcess) -> Iterator[str]:
    """Return every line that the server wrote to its console."""
    return iter((server.state_dir / "server.out").read_text("utf-8").splitlines())


def holders(folder: Path, secrets: tuple[str, ...]) -> list[str]:
    """Return the files below `folder` that hold one of `secrets`, the database among them."""
    files = [
        path for path in folder.rglob("*") if path.is_file()
    ]  # bells are pipes: no end to read
    return [
        f"{path.name}: {one[:12]}"
        for path in files
        for one in secrets
        if one.encode() in path.read_bytes()
    ]


def test_text_logs_hold_no_secret_either(server: Callable[..., ServerProcess]) -> None:
    running = server(logging__level="debug", env={"HF_TOKEN": HUB_TOKEN}).start()
    making = running.beside("flask", "st", "api-keys", "create", "planted")
    key = making.communicate()[0].strip()
    with Story(running) as story:
        use_the_key_in_every_way(story, key)
    until(lambda: any("/api/queue/concurrency" in line for line in printed(running)))
    assert holders(running.state_dir, (key, HUB_TOKEN)) == []
