"""An app whose jobs stand in every state, and a real server that has trained, for the pages to
show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from st_core.testing.server import ServerProcess
from tests.testbed.chromium import Complaints

from .finished import run_sample

PLUGINS = [
    "audit",
    "zoo",
    "local_gpu",
    "tiny_trainer",
    "simpletuner_trainer",
    "command_trainer",
    "metrics",
    "resource_rules",
    "quotas",
    "budgets",
    "approvals",
    "credentials",
]
PATIENCE_MS = 60_000


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


@dataclass(frozen=True)
class Trained:
    """A real server and the number of the job it has finished."""

    server: ServerProcess
    job: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A server that has trained the sample; tests leave its job as it is."""
    server = ServerProcess(tmp_path_factory.mktemp("trained"))
    try:
        with server.start().client() as client:
            yield Trained(server, run_sample(client))
    finally:
        server.clean()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages: `open_page(server, "/jobs")`. What the browser complains about fails the test,
    unless it said that it `may_complain`.
    """
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def open_(server: ServerProcess, path: str, *, may_complain: bool = False, **how: Any) -> Page:
        context = browser.new_context(base_url=server.base_url, reduced_motion="reduce", **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        if not may_complain:
            complaints.follow(page)
        page.goto(path)
        if how.get("java_script_enabled", True):
            page.locator("html[data-ready]").wait_for(state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints.texts == []
