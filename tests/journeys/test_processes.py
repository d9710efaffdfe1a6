"""`server --processes 2`: one port, one queue, whichever process answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.conftest import ROOMY
from tests.journeys.listening import Listener, Message, port_of
from tests.journeys.training import ENDLESS, TINY, Training, until
from tests.stories import Story

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of two processes, for all stories of this module."""
    server = ServerProcess(tmp_path_factory.mktemp("pair"), "--processes", "2")
    server.configure(ROOMY)
    yield server
    server.clean()


@pytest.fixture
def pair(two_processes: ServerProcess) -> ServerProcess:
    """The server with both processes up; started again where a story has ended it."""
    if not two_processes.is_healthy():
        two_processes.start()
    until(lambda: len(serving(two_processes)) == 2)
    return two_processes


def serving(server: ServerProcess) -> list[psutil.Process]:
    """Return the processes that answer requests by now: their services have threads."""
    return [each for each in server.children() if len(each.threads()) > 5]


@contextmanager
def alone(process: psutil.Process, server: ServerProcess) -> Iterator[None]:
    """Let new connections go to `process`: the other one sleeps meanwhile."""
    others = [each for each in serving(server) if each != process]
    for each in others:
        each.suspend()
    try:
        yield
    finally:
        for each in others:
            each.resume()


def listener_at(
    process: psutil.Process, server: ServerProcess, last_id: int | None = None
) -> Listener:
    """Return a listener that `process` serves, until a job is completed."""

    def ends(message: Message) -> bool:
        return message.data.get("type") == "job.completed"

    with alone(process, server):
        listener = Listener(server, "/api/events", last_id, ends)
    assert holds(process, listener.port)
    return listener


def holds(process: psutil.Process, port: int) -> bool:
    """Tell whether the other end of our connection is in `process`."""
    return any(each.raddr and each.raddr.port == port for each in process.net_connections("tcp"))


def test_what_one_process_takes_every_process_tells(pair: ServerProcess) -> None:
    with Story(pair) as story, pair.client() as pinned:
        story.read("/api/auth/me")
        first, second = serving(pair)
        listeners = [listener_at(process, pair, last_id=0) for process in (first, second)]
        with alone(first, pair):
            port = port_of(pinned.get("/health"))
        assert holds(first, port)
        answer = pinned.post(
            "/api/cloud/local_gpu/submit", json={"trainer": "tiny_trainer", "config": dict(TINY)}
        )
        assert (answer.status_code, port_of(answer)) == (201, port)
        number = answer.json()["job_id"]
        assert story.wait(number)["status"] == "completed"
        one, other = ([each for each in listener.end()] for listener in listeners)
        numbers = [message.number for message in one if message.number]
        assert numbers == list(range(1, numbers[-1] + 1))
        assert [message.number for message in other if message.number] == numbers
        assert Training(pair, number).steps() == list(range(1, TINY["steps"] + 1))
        assert len(story.attempts(number)) == 1


def test_a_killed_process_is_replaced_and_jobs_do_not_notice(pair: ServerProcess) -> None:
    with Story(pair) as story:
        numbers = [story.submit("local_gpu", "tiny_trainer", config=TINY) for _ in range(2)]
        trainings = [Training(pair, number) for number in numbers]
        for training in trainings:
            training.is_at(10)
        killed, survivor = serving(pair)
        killed.kill()
        until(lambda: len(serving(pair)) == 2)
        assert survivor in serving(pair)
        assert killed not in serving(pair)
        for training in trainings:
            assert story.wait(training.number)["status"] == "completed"
            assert training.steps() == list(range(1, TINY["steps"] + 1))
            assert len(story.attempts(training.number)) == 1


def test_both_end_in_order_and_trainings_go_on_without_them(pair: ServerProcess) -> None:
    with Story(pair) as story:
        number = story.submit("local_gpu", "tiny_trainer", config=ENDLESS)
        training = Training(pair, number)
        training.is_at(1)
        listeners = [listener_at(process, pair) for process in serving(pair)]
        assert pair.end() == 0
        assert pair.children() == []
        for listener in listeners:
            listener.end()
        training.is_at(training.steps()[-1] + 10)
        pair.start()
        assert story.job(number)["status"] == "running"
        story.post(f"/api/cloud/jobs/{number}/cancel")
        assert story.wait(number)["status"] == "cancelled"
    assert training.living() == []


def test_when_the_starter_is_killed_its_processes_end_by_themselves(pair: ServerProcess) -> None:
    children = serving(pair)
    os.kill(pair.pid, signal.SIGKILL)
    assert pair.wait() == -signal.SIGKILL
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert not pair.is_healthy()
