"""The guide's own scripts and addresses, used as a reader uses them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from st_core.app import BUNDLED
from st_core.testing.databases import Databases
from st_core.testing.server import ServerProcess
from tests.journeys.conftest import ROOMY
from tests.journeys.training import ENDLESS, QUICK, Training, until
from tests.stories import Story

pytestmark = pytest.mark.slow

AIRFLOW = """
def submit_and_wait(job_config, provider="replicate", **context):
    resp = requests.post(
        f"http://localhost:8080/api/cloud/{provider}/submit",
        json=job_config,
        headers={"Authorization": f"Bearer {TOKEN}"}
    )
    job_id = resp.json()["job_id"]

    while True:
        status = requests.get(f"http://localhost:8080/api/cloud/jobs/{job_id}")
        state = status.json()["status"]
        if state in ("completed", "failed", "cancelled"):
            return status.json()
        time.sleep(30)
"""

CONCURRENCY = """
curl -X POST http://localhost:8080/api/queue/concurrency \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{"max_concurrent": 10, "user_max_concurrent": 3}'
"""


#: The health addresses that tell only whether the process answers.
ALIVE = ("/health", "/api/cloud/health/live", "/api/metrics/health/live")
READY = ("/api/cloud/health/ready", "/api/metrics/health/ready")
DEEP = ("/api/cloud/health", "/api/metrics/health")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without a configuration file, as the guide's first step leaves it."""
    server = ServerProcess(tmp_path_factory.mktemp("guide"))
    yield server.start()
    server.clean()


@pytest.fixture(scope="module")
def token(workshop: ServerProcess) -> str:
    """An API key of the local owner, made on the command line beside the running server."""
    making = workshop.beside("flask", "st", "api-keys", "create", "for scripts")
    key, complaints = making.communicate()
    assert making.returncode == 0, complaints
    return key.strip()


def at(server: ServerProcess, script: str) -> str:
    """Return a script of the guide with the port of a server that has another one."""
    assert "localhost:8080" in script
    return script.replace("localhost:8080", f"localhost:{server.port}").strip()


def shell(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line as a reader does."""
    return subprocess.run(
        ["bash", "-c", script],
        env={"PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_airflow_function_submits_a_bare_config_and_waits_for_its_end(
    workshop: ServerProcess, token: str
) -> None:
    pauses: list[float] = []
    names: dict[str, Any] = {
        "requests": requests,
        "TOKEN": token,
        "time": SimpleNamespace(sleep=pauses.append),  # it asks again at once, we have no time
    }
    exec(at(workshop, AIRFLOW), names)  # noqa: S102 - the guide's text as it is printed
    told = names["submit_and_wait"](dict(QUICK), provider="local_gpu")
    assert (told["status"], told["trainer"], told["provider"]) == (
        "completed",
        "tiny_trainer",
        "local_gpu",
    )
    assert set(pauses) <= {30}


def test_the_curl_for_the_limits_works_as_it_is_printed(
    story: Story, workshop: ServerProcess, token: str
) -> None:
    before = story.read("/api/queue/concurrency")
    refused = shell(at(workshop, CONCURRENCY), ADMIN_TOKEN="st_" + 32 * "x")
    assert '"code":"invalid_token"' in refused.stdout.replace(": ", ":")
    assert story.read("/api/queue/concurrency") == before

    done = shell(at(workshop, CONCURRENCY), ADMIN_TOKEN=token)
    assert '"max_concurrent":10' in done.stdout.replace(": ", ":")
    after = story.read("/api/queue/concurrency")
    assert (after["max_concurrent"], after["user_max_concurrent"]) == (10, 3)


def test_every_health_address_answers_without_a_credential(workshop: ServerProcess) -> None:
    with workshop.client(headers={"Host": "trainer.internal", "X-Real-IP": "10.0.0.1"}) as outside:
        for path in (*ALIVE, *READY, *DEEP):
            answer = outside.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
        assert {each["name"] for each in outside.get(DEEP[0]).json()["components"]} >= {"database"}
        assert outside.get("/api/cloud/jobs").status_code == 403


def test_without_its_database_a_server_lives_but_is_not_ready(
    server: Callable[..., ServerProcess], postgres_databases: Databases, tmp_path: Path
) -> None:
    url = postgres_databases.fresh(BUNDLED, tmp_path)
    room: dict[str, Any] = {key.replace(".", "__"): value for key, value in ROOMY.items()}
    running = server(database__url=url, **room).start()
    try:
        with Story(running) as story:
            number = story.submit("local_gpu", "tiny_trainer", config=ENDLESS)
            training = Training(running, number)
            training.is_at(1)
            with gone(url):
                told = len(training.steps())
                for path in ALIVE:
                    assert story.get(path).status_code == 200
                for path in READY:
                    answer = story.get(path)
                    assert answer.status_code == 503
                    assert answer.json()["code"] == "not_ready"
                    assert "retry-after" in answer.headers
                deep = story.get(DEEP[0])
                assert (deep.status_code, deep.json()["status"]) == (503, "unhealthy")
                refused = story.get("/api/cloud/jobs")
                assert refused.status_code == 503
                assert refused.headers["content-type"] == "application/problem+json"
                training.is_at(told + 1)
            until(lambda: story.get(READY[0]).status_code == 200)
            story.post(f"/api/cloud/jobs/{number}/cancel")
            assert story.wait(number)["status"] == "cancelled"
    finally:
        running.clean()
        postgres_databases.drop(url)


@contextmanager
def gone(url: str) -> Iterator[None]:
    """Let nobody into a PostgreSQL database, and throw out who is in."""
    name = sa.make_url(url).database
    admin = sa.create_engine(
        sa.make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    close = f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS'
    out = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    with admin.connect() as connection:
        connection.execute(sa.text(f"{close} false"))
        connection.execute(sa.text(out), {"name": name})
        yield
        connection.execute(sa.text(f"{close} true"))
    admin.dispose()
