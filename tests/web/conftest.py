"""An app whose jobs stand in every state, for the pages to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

PLUGINS = ["zoo", "local_gpu", "tiny_trainer", "simpletuner_trainer", "command_trainer", "metrics"]


@dataclass(frozen=True)
class Jobs:
    """The numbers of jobs, by the state they are in."""

    completed: str
    failed: str
    cancelled: str
    queued: str
    pending_approval: str


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The app with every bundled plugin and the fakes."""
    return make_app(PLUGINS)


@pytest.fixture
def submit(client: Any) -> Callable[..., str]:
    """Submit a job over the API and return its number."""

    def submit(provider: str = "never", **body: Any) -> str:
        asked = {"config": {"steps": 3}, "trainer": "fake_trainer", "config_name": "fake", **body}
        answer = client.post(f"/api/cloud/{provider}/submit", json=asked)
        assert answer.status_code in (201, 202), answer.text
        return str(answer.get_json()["job_id"])

    return submit


@pytest.fixture
def jobs(client: Any, submit: Callable[..., str], run_job: Callable[..., str]) -> Jobs:
    """One job in each state that lasts."""
    completed = run_job(provider="instant", config={"steps": 3})
    failed = run_job(provider="failing", config={"steps": 3}, max_attempts=1)
    assert client.post("/api/queue/pause").status_code == 200
    queued = submit()
    cancelled = submit()
    assert client.post(f"/api/cloud/jobs/{cancelled}/cancel").status_code == 200
    pending_approval = submit(for_approval=True)
    return Jobs(completed, failed, cancelled, queued, pending_approval)
