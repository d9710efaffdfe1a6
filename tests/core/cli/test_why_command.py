"""`simpletuner jobs why` against a real server."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from st_core.testing.server import ServerProcess

from .conftest import Ended

pytestmark = pytest.mark.slow
Run = Callable[..., Ended]


def test_why_a_job_waits_is_told_in_words_and_as_json(run: Run, running: ServerProcess) -> None:
    assert run("queue", "pause").code == 0
    try:
        job_id = run("jobs", "submit", "digits", "-o", "job_id").out.strip()
        told = run("jobs", "why", job_id)
        assert told.code == 0, told.err
        assert f"Job {job_id} is queued. The queue is paused." in told.out
        assert "HELD    Queue: The queue is paused." in told.out
        assert "The smallest change that starts it:" in told.out
        assert "Somebody lets the queue go on." in told.out
        found = run("jobs", "why", job_id, "--format", "json").json
        assert found["is_smallest"] is True
        assert run("jobs", "cancel", job_id).code == 0
    finally:
        run("queue", "resume")
    until = time.monotonic() + 60
    while run("jobs", "get", job_id, "-o", "status").out.strip() != "cancelled":
        assert time.monotonic() < until, running.output()
    assert "It does not wait: it is cancelled." in run("jobs", "why", job_id).out
