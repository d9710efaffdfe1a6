"""Servers and people of the stories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from st_core.testing.server import ServerProcess
from tests.stories import Story

#: Room for several jobs at once: stories do not wait for each other's.
ROOMY = {
    "queue.max_concurrent": 8,
    "queue.user_max_concurrent": 8,
    "queue.local_job_max_concurrent": 8,
    "local_gpu.cpu_slots": 8,
    "rate_limit.calls": 0,  # the stories ask more in a minute than anybody from outside may
}


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with room for several jobs, for all stories that leave it running as it is."""
    server = ServerProcess(tmp_path_factory.mktemp("workshop"))
    server.configure(ROOMY)
    yield server.start()
    server.clean()


@pytest.fixture
def story(workshop: ServerProcess) -> Iterator[Story]:
    """A person at the workshop."""
    with Story(workshop) as person:
        yield person


@pytest.fixture
def own_server(server: Callable[..., ServerProcess]) -> ServerProcess:
    """A server of this story's own, started, with room for several jobs."""
    room: dict[str, Any] = {key.replace(".", "__"): value for key, value in ROOMY.items()}
    return server(**room).start()
