"""Two server processes on one database: a sign-in begun on one is finished on the other, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from st_core.testing.database_fixtures import Database
from st_core.testing.server import ServerProcess
from tests.exam import Exam

from .conftest import BASE
from .rogue import CLIENT, SECRET, Rogue, come_back

pytestmark = pytest.mark.slow
AT_ONCE = 4


@pytest.fixture
def op() -> Iterator[Rogue]:
    """A provider that takes every code again and again, so that the state alone protects."""
    with Rogue(accepts_any_code=True, claims={"groups": ["ml-admins"]}) as provider:
        yield provider


@pytest.fixture
def two(
    server: Callable[..., ServerProcess], database: Database, op: Rogue
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers that know the provider."""
    first = server(plugins=["oidc"], network__allowed_private=["127.0.0.1"]).start()
    second = ServerProcess(first.state_dir)
    try:
        second.start()
        config = {"issuer": op.issuer, "client_id": CLIENT, "client_secret": SECRET}
        body = {"name": "op", "provider_type": "oidc", "level_mapping": {"admin": ["ml-admins"]}}
        with first.client() as client:
            made = client.post(f"{BASE}/providers", json={**body, "config": config})
            assert made.status_code == 201, made.text
        yield first, second
    finally:
        second.clean()


def browser(server: ServerProcess, number: int) -> httpx.Client:
    """Return a browser with an address of its own: one address may not sign in without end."""
    transport = httpx.HTTPTransport(local_address=f"127.1.{number // 250}.{number % 250 + 1}")
    return httpx.Client(base_url=server.base_url, transport=transport, timeout=60)


def test_a_state_begun_on_one_process_is_taken_on_the_other_exactly_once(
    two: tuple[ServerProcess, ServerProcess], op: Rogue, exam: Exam
) -> None:
    rounds = exam.count("sign-ins brought back to two processes at once", 4, 100)
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(2 * AT_ONCE) as pool:
        for number in range(rounds):
            begins, other = two if number % 2 else two[::-1]
            with browser(begins, number) as client:
                url = client.get(f"{BASE}/oidc/op/start").json()["auth_url"]
                cookies = dict(client.cookies)
            path = come_back(f"{begins.base_url}{BASE}/oidc/op/callback", op.authorize(url))
            barrier = Barrier(2 * AT_ONCE)

            def bring_back(
                server: ServerProcess,
                number: int = number,
                path: str = path,
                cookies: dict[str, str] = cookies,
                barrier: Barrier = barrier,
            ) -> str:
                with browser(server, number) as client:
                    client.cookies.update(cookies)
                    barrier.wait()
                    answer = client.get(path)
                    signed_in = "simpletuner_session" in answer.cookies
                    assert signed_in == answer.is_success, answer.text
                    return "in" if signed_in else str(answer.json()["code"])

            outcomes = Counter(pool.map(bring_back, [begins, other] * AT_ONCE))
            assert outcomes["in"] == 1, outcomes
            seen += outcomes
    assert seen == {"in": rounds, "oauth_state_unknown": rounds * (2 * AT_ONCE - 1)}


def test_a_sign_in_outlives_the_process_it_began_on(
    two: tuple[ServerProcess, ServerProcess], op: Rogue
) -> None:
    first, second = two
    with browser(first, 1) as client:
        url = client.get(f"{BASE}/oidc/op/start").json()["auth_url"]
        cookies = dict(client.cookies)
    first.kill()
    with browser(second, 1) as client:
        client.cookies.update(cookies)
        path = come_back(f"{first.base_url}{BASE}/oidc/op/callback", op.authorize(url))
        answer = client.get(path)
        assert answer.json()["user"]["username"] == "alice", answer.text
        assert client.get("/api/auth/me").json()["username"] == "alice"
