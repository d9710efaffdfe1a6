"""Servers forked from a process that has imported them are processes of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from st_core.testing.server import ServerProcess
from st_core.testing.warm_start import WarmProcess

Server = Callable[..., ServerProcess]
pytestmark = pytest.mark.slow


def test_a_warm_server_has_its_own_session_folder_and_environment(server: Server) -> None:
    running = server(env={"SIMPLETUNER_LOG_FORMAT": "json"}, plugins=["metrics"]).start()
    assert isinstance(running.process, WarmProcess)
    assert os.getsid(running.pid) == running.pid != os.getsid(0)
    assert os.readlink(f"/proc/{running.pid}/cwd") == str(running.state_dir)
    assert '"message":' in running.output()
    with running.client() as client:
        rows = client.get("/api/plugins").json()["plugins"]
    assert [row["name"] for row in rows if row["enabled"]] == ["metrics"]


def test_a_warm_server_tells_how_it_ended(server: Server) -> None:
    running = server(plugins=[]).start()
    assert running.process is not None
    assert running.process.poll() is None
    assert running.end() == 0
    assert running.start().process is not None
    running.kill()
    assert running.wait() == -signal.SIGKILL


def test_a_warm_start_that_is_refused_ends_with_the_code_of_the_command(server: Server) -> None:
    refused = server(plugins=["tiny_trainr"])
    assert refused.launch().wait(30) == 2
    assert "Did you mean 'tiny_trainer'" in refused.output()
