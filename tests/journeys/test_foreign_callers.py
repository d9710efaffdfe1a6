"""A fresh server on loopback behind nginx of the same machine: nobody from outside is the owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from st_core import create_app
from st_core.api.routing import operations
from st_core.testing.server import ServerProcess
from tests.journeys.conftest import ROOMY
from tests.journeys.training import QUICK
from tests.stories import Story
from tests.testbed.nginx import Nginx

pytestmark = pytest.mark.slow

#: What a server that is not set up yet tells everybody.
OPEN = {
    "/health",
    "/api/cloud/health",
    "/api/cloud/health/live",
    "/api/cloud/health/ready",
    "/api/metrics/health",
    "/api/metrics/health/live",
    "/api/metrics/health/ready",
    "/api/auth/setup/status",
}
#: Pages without anything on them but a way to sign in, and where every other page leads.
DOORS = {"/first-run", "/login", "/register", "/invitation", "/reset-password"}
#: Where the one-time code is given in; without it nothing is done.
FIRST_ADMIN = "/api/auth/setup/first-admin"
#: A word of the owner's that no stranger may read.
PRIVATE = "the-owners-own-words"

FORGED: dict[str, dict[str, str]] = {
    "a loopback Host": {"Host": "localhost"},
    "the server's own Host": {"Host": "127.0.0.1:8080"},
    "a loopback client": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
    "a loopback proxy": {"Forwarded": "for=127.0.0.1;host=localhost;proto=http"},
    "a forwarded Host": {"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "http"},
    "headers to be dropped": {"Connection": "close, X-Real-IP, X-Forwarded-For"},
    "our own page": {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    "another method": {"X-HTTP-Method-Override": "GET", "X-Original-URL": "/health"},
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of these stories' own: they know all that is on it."""
    server = ServerProcess(tmp_path_factory.mktemp("alone"))
    server.configure(ROOMY)
    yield server.start()
    server.clean()


@pytest.fixture(scope="module")
def front(workshop: ServerProcess) -> Iterator[Nginx]:
    """nginx in front of a server that has been used by its owner already."""
    with Story(workshop) as story:
        story.train("local_gpu", "tiny_trainer", config=QUICK, name=PRIVATE)
    with Nginx(workshop.port) as started:
        yield started


def outside(url: str, **headers: str) -> httpx.Client:
    """Return the client of somebody elsewhere, who cares for no certificate."""
    return httpx.Client(base_url=url, headers=headers, verify=False, trust_env=False, timeout=30)  # noqa: S501


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every (method, address) that a server with all bundled plugins knows, pages among them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMPLETUNER_STATE_DIR", str(tmp_path_factory.mktemp("unused")))
        found = [
            (method, re.sub(r"<[^>]*>", "1", path))
            for _endpoint, path, declared in operations(create_app())
            for method in declared.methods
        ]
    return sorted(set(found))


@pytest.mark.parametrize("side", ["guide_url", "one_line_url"])
def test_nothing_but_health_is_told_to_strangers_and_nothing_is_done_for_them(
    story: Story, front: Nginx, everything: list[tuple[str, str]], side: str
) -> None:
    listed = story.read("/api/openapi.json")["paths"]
    asked = {path for method, path in everything if method == "GET"}
    assert {
        re.sub(r"{[^}]*}", "1", path) for path, does in listed.items() if "get" in does
    } <= asked
    before = standing(story)
    with outside(getattr(front, side)) as stranger:
        wrong = {
            f"{method} {path}: {answer.status_code} {answer.text[:200]}"
            for method, path in everything
            if "/static/" not in path
            if not is_fine(path, answer := stranger.request(method, path, headers=kind(path)))
        }
    assert wrong == set()
    assert standing(story) == before


def kind(path: str) -> dict[str, str]:
    """Return the headers that a browser sends for pages, a program for the API."""
    return {"Accept": "application/json" if path.startswith("/api/") else "text/html"}


def is_fine(path: str, answer: httpx.Response) -> bool:
    """Tell whether a stranger was told only what everybody may know."""
    if PRIVATE in answer.text:
        return False
    if path in OPEN:
        return answer.is_success
    if path == FIRST_ADMIN:
        return answer.status_code == 422
    if path.startswith("/api/"):
        return answer.status_code == 403 and answer.json()["code"] == "setup_required"
    if path in DOORS:
        return answer.status_code in (200, 302)
    return leads_to_set_up(answer)


def leads_to_set_up(answer: httpx.Response) -> bool:
    """Tell whether a page was not given, but the way to the first account shown."""
    return answer.status_code == 302 and answer.headers["Location"].startswith("/first-run")


def standing(story: Story) -> tuple[list[int], Any]:
    """Return what would show that somebody did something: events, and the limits."""
    return story.doings(), story.read("/api/queue/concurrency")


@pytest.mark.parametrize("side", ["guide_url", "url", "bare_url", "one_line_url"])
@pytest.mark.parametrize("forged", FORGED)
def test_forged_headers_do_not_make_a_stranger_the_owner(
    story: Story, front: Nginx, side: str, forged: str
) -> None:
    before = standing(story)
    with outside(getattr(front, side), **FORGED[forged]) as stranger:
        for method, path in (
            ("GET", "/api/auth/me"),
            ("GET", "/jobs"),
            ("POST", "/api/queue/pause"),
        ):
            answer = stranger.request(method, path)
            refused = answer.status_code == 403 or leads_to_set_up(answer)
            assert refused, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
    assert standing(story) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "trainer.internal"},
        {"Host": "localhost.evil.test"},
        {"Host": "127.0.0.1.evil.test"},
        {"Host": "127.0.0.1@evil.test"},
        {"Host": "localhost", "X-Forwarded-For": ""},
        {"Host": "localhost", "Via": "1.1 proxy"},
        {"Host": "localhost", "X-Forwarded-Prefix": "/x"},
        {"Host": "localhost", "CF-Connecting-IP": "203.0.113.9"},
    ],
    ids=lambda headers: "+".join(headers.values()),
)
def test_another_name_or_any_sign_of_a_proxy_is_a_stranger(
    workshop: ServerProcess, headers: dict[str, str]
) -> None:
    with workshop.client(headers=headers) as client:
        assert client.get("/api/auth/me").status_code in (400, 403)
        assert client.get("/api/cloud/health/live").status_code in (200, 400)


def test_a_stranger_with_a_key_of_the_owner_is_the_owner(
    story: Story, workshop: ServerProcess, front: Nginx
) -> None:
    making = workshop.beside("flask", "st", "api-keys", "create", "from afar")
    key, complaints = making.communicate()
    assert making.returncode == 0, complaints
    with outside(front.guide_url, Authorization=f"Bearer {key.strip()}") as client:
        told = client.get("/api/cloud/jobs").json()["jobs"]
        assert [job["name"] for job in told] == [PRIVATE]
        with client.stream("GET", "/api/events?last_event_id=0") as stream:
            first = next(line for line in stream.iter_lines() if line.startswith("id: "))
            assert first == "id: 1"
    with outside(front.guide_url, Authorization="Bearer st_" + 32 * "x") as client:
        assert client.get("/api/cloud/jobs").status_code == 401
