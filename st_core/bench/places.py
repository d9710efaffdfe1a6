"""Where measurements run: the server as users start it, the yardstick beside it, and a state
folder.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from ..app import create_app
from ..boot import prepare
from ..services import api_keys, users
from ..testing.server import ServerProcess, _free_port


@contextmanager
def server(folder: Path) -> Iterator[tuple[ServerProcess, Flask, str]]:
    """Give the server as users start it, an app on the same database, and an API key of the local
    owner.

    The queue is paused, so that what is submitted waits and nothing trains beside the measurement.
    """
    process = ServerProcess(folder)
    process.configure({"server.stream_limit": 600, "queue.paused": True})
    with environment(folder):
        app = create_app()
        prepare(app)
        with app.app_context():
            _, key = api_keys.create(users.local_owner().id, "bench")
        process.start()
        try:
            yield process, app, key
        finally:
            process.end()
            process.clean()


@contextmanager
def environment(folder: Path) -> Iterator[None]:
    """Let this process's own app live in `folder`."""
    before = os.environ.get("SIMPLETUNER_STATE_DIR")
    os.environ["SIMPLETUNER_STATE_DIR"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("SIMPLETUNER_STATE_DIR")
        if before is not None:
            os.environ["SIMPLETUNER_STATE_DIR"] = before


@contextmanager
def yardstick(folder: Path) -> Iterator[int]:
    """Give the port of a running yardstick."""
    port = _free_port()
    argv = [sys.executable, "-m", "st_core.bench.yardstick", str(port), str(folder / "bare.db")]
    bare = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and not _answers(port):
            time.sleep(0.05)
        yield port
    finally:
        bare.terminate()
        bare.wait()


def _answers(port: int) -> bool:
    """Tell whether something listens on `port`."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
