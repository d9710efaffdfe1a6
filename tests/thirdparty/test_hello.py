"""A stranger's package beside ours: nothing of ours changes, and everything it brings works."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from st_core.testing.installed import installed, write_distribution
from st_core.testing.server import ServerProcess
from tests import wheels
from tests.sources import ROOT
from tests.stories import Story

HELLO = ROOT / "tests" / "thirdparty" / "st_hello"
CONFIG = {"name": "Ada", "times": 3}


@pytest.fixture
def on_the_path(tmp_path: Path) -> Iterator[None]:
    """Let `st_hello` be found as if pip had installed it: a hand-written `.dist-info`."""
    folder = tmp_path / "site"
    write_distribution(folder, {"hello": "st_hello"}, "st-hello", "0.1.0")
    with installed(folder), installed(HELLO):
        yield


def run_the_story(server: ServerProcess) -> None:
    """Run a job through the stranger's provider and trainer, and see all that it brings."""
    with Story(server.start()) as story:
        row = next(each for each in story.plugins() if each["name"] == "hello")
        assert (row["enabled"], row["distribution"]) == (True, "st-hello")
        number = story.submit("hello", "hello_trainer", config=CONFIG)
        job = story.wait(number)
        assert job["status"] == "completed", job
        story.until(lambda: greetings(story), "the greeting")
        assert greetings(story) == [{"job_id": number, "text": "Bravo"}]
        page = story.get(f"/jobs/{number}")
        assert page.is_success
        assert "Greetings" in page.text
        assert "<li>Bravo</li>" in page.text
        log = story.get(f"/api/cloud/jobs/{number}/logs").text
        assert "Hello, Ada! (3)" in log
        paths = story.read("/api/openapi.json")["paths"]
        assert "/api/hello/greetings" in paths
    assert server.end() == 0


def greetings(story: Story) -> list[dict[str, str]]:
    found: list[dict[str, str]] = story.read("/api/hello/greetings")["greetings"]
    return found


@pytest.mark.usefixtures("on_the_path")
def test_a_strangers_own_tests_pass_with_our_kit(postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=HELLO,
        env={**os.environ, "ST_TEST_POSTGRES_URL": postgres_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.usefixtures("on_the_path")
def test_a_server_runs_a_job_through_a_strangers_plugin(
    server: Callable[..., ServerProcess],
) -> None:
    run_the_story(server(plugins=["local_gpu", "tiny_trainer", "hello"], hello__greeting="Bravo"))


@pytest.mark.slow
def test_installed_by_pip_into_a_fresh_environment_it_works_with_nothing_changed(
    server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    ours, theirs = wheels.build(ROOT, tmp_path), wheels.build(HELLO, tmp_path)
    process = server(plugins=["local_gpu", "tiny_trainer", "hello"], hello__greeting="Bravo")
    process.python = wheels.fresh_environment(tmp_path / "fresh", [ours, theirs])
    run_the_story(process)


@pytest.mark.usefixtures("on_the_path")
def test_taken_out_again_it_leaves_a_server_that_works(
    server: Callable[..., ServerProcess],
) -> None:
    first = server(plugins=["hello"], hello__greeting="Bravo")
    run_the_story(first)
    first.configure({"plugins.enabled": ["tiny_trainer"]})
    with Story(first.start()) as story:
        assert story.job("1")["status"] == "completed"
        assert story.get("/jobs/1").is_success
        assert story.get("/api/hello/greetings").status_code == 404
