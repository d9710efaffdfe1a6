"""The server ends or dies while jobs wait, start and run; another process takes over."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress

import httpx
import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.training import ENDLESS, QUICK, TINY, Training, until
from tests.stories import Story

pytestmark = pytest.mark.slow


def test_after_an_orderly_restart_running_jobs_go_on_and_waiting_ones_start(
    server: Callable[..., ServerProcess],
) -> None:
    running = server(queue__local_job_max_concurrent=1).start()
    with Story(running) as story:
        first = story.submit("local_gpu", "tiny_trainer", config=TINY)
        training = Training(running, first)
        training.is_at(50)
        waiting = [story.submit("local_gpu", "tiny_trainer", config=QUICK) for _ in range(2)]
        assert [story.job(number)["queue_position"] for number in waiting] == [1, 2]
        assert running.end() == 0
        running.start()
        ended = [story.wait(number) for number in (first, *waiting)]
        assert [job["status"] for job in ended] == ["completed"] * 3
        assert [job["attempt"] for job in ended] == [1, 1, 1]
        assert training.steps() == list(range(1, TINY["steps"] + 1))
        started = [job["started_at"] for job in ended]
        assert started == sorted(started)


@pytest.mark.parametrize(
    ("place", "attempts"), [("dispatch.after_claim", 2), ("dispatch.after_start", 1)]
)
def test_a_job_that_was_just_starting_when_the_server_died_starts_once(
    server: Callable[..., ServerProcess], place: str, attempts: int
) -> None:
    running = server()
    running.start(ST_FAILPOINT=place)
    with Story(running) as story, suppress(httpx.TransportError):
        story.submit("local_gpu", "tiny_trainer", config=QUICK)  # it may die before it answers
    assert running.wait() == -signal.SIGKILL
    running.start()
    with Story(running) as story:
        job = story.wait("1")
        assert (job["status"], job["attempt"]) == ("completed", attempts)
        training = Training(running, "1")
        assert [each["status"] for each in training.events("status")] == [
            "starting",
            "running",
            "completed",
        ]
        assert len(story.read("/api/cloud/jobs")["jobs"]) == 1


def test_the_background_process_starts_and_ends_jobs_without_any_web_process(
    server: Callable[..., ServerProcess],
) -> None:
    web = server()
    web.start(ST_FAILPOINT="submit.after_commit")
    with Story(web) as story, suppress(httpx.TransportError):
        story.submit("local_gpu", "tiny_trainer", config=QUICK)
    assert web.wait() == -signal.SIGKILL
    background = web.beside("flask", "st", "background")
    until(lambda: state_on_disk(web) == "completed")

    web.start()  # a web process beside it: both look after one queue
    with Story(web) as story:
        assert story.job("1")["attempt"] == 1
        number = story.submit("local_gpu", "tiny_trainer", config=ENDLESS)
        Training(web, number).is_at(1)
        assert web.end() == 0
        background.send_signal(signal.SIGTERM)
        background.communicate()
        assert background.returncode == 0
        web.start()
        story.post(f"/api/cloud/jobs/{number}/cancel")
        assert story.wait(number)["status"] == "cancelled"
        assert len(story.attempts(number)) == 1


def state_on_disk(server: ServerProcess) -> str:
    """Return the state of the first job while no server runs that could be asked."""
    place = f"file:{server.state_dir / 'app.db'}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as connection:
        (state,) = connection.execute("SELECT state FROM job WHERE id = 1").fetchone()
    return str(state)


def test_another_wsgi_server_boots_the_app_at_its_first_request(
    server: Callable[..., ServerProcess],
) -> None:
    web = server()
    flask = ["flask", "--app", "st_core", "run", "--port", str(web.port)]
    process = web.beside(*flask)
    with Story(web) as story:
        until(web.is_healthy)
        assert story.get("/api/cloud/health/ready").status_code == 200
        story.train("local_gpu", "tiny_trainer", config=QUICK)
    process.terminate()
    process.communicate()
