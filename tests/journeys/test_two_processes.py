"""Two server processes on one database: what is decided in one holds in the other at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from st_core.testing.database_fixtures import plugin_names
from st_core.testing.server import ServerProcess
from tests.exam import Exam
from tests.journeys.listening import Listener, Message
from tests.journeys.training import until

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery staple"
ME, PAUSE, RESUME = "/api/auth/me", "/api/queue/pause", "/api/queue/resume"
Headers = dict[str, str]


@dataclass
class Pair:
    """Two servers on one database, and its administrator, who speaks to either."""

    servers: tuple[ServerProcess, ServerProcess]
    admin: Headers

    def ask(self, number: int, method: str, path: str, who: Headers, body: Any = None) -> Any:
        """Send one request to one of the two."""
        with self.servers[number].client(timeout=30.0, headers=who) as client:
            return client.request(method, path, json=body)

    def do(self, number: int, method: str, path: str, body: Any = None) -> Any:
        """Let the administrator do something at one of the two; return the answer's JSON."""
        answer = self.ask(number, method, path, self.admin, body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def statuses(self, who: Headers, path: str = ME) -> list[int]:
        """Return what each of the two answers."""
        return [self.ask(number, "GET", path, who).status_code for number in (0, 1)]

    def listen(self, who: Headers, is_last: Callable[[Message], bool] | None = None) -> list[Any]:
        """Let somebody listen at both."""
        leave = is_last or (lambda _message: False)
        return [
            Listener(server, "/api/events", is_last=leave, headers=who) for server in self.servers
        ]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two servers, for all stories of this module."""
    folder = tmp_path_factory.mktemp("pair")
    settings: dict[str, Any] = {"auth.mode": "team", "rate_limit.calls": 0}
    if request.param == "postgresql":
        databases = request.getfixturevalue("postgres_databases")
        settings["database.url"] = databases.fresh(plugin_names(None), folder / "app.db")
    servers = (ServerProcess(folder), ServerProcess(folder))
    for server in servers:
        server.configure(settings)
        server.start()
    pair = Pair(servers, {})
    pair.admin.update(_first_admin(servers[0]))
    yield pair
    for server in servers:
        server.clean()


def _first_admin(server: ServerProcess) -> Headers:
    made = server.beside("flask", "st", "setup-code")
    code, complaints = made.communicate()
    assert made.returncode == 0, complaints
    body = {
        "username": "boss",
        "email": "boss@example.org",
        "password": PASSWORD,
        "code": code.split()[-1],
    }
    with server.client() as client:
        answer = client.post("/api/auth/setup/first-admin", json=body)
        assert answer.is_success, answer.text
        return bearer(client, "for the tests")


def sign_in(client: httpx.Client, username: str) -> Headers:
    """Sign in with the password; return the headers of that session."""
    answer = client.post("/api/auth/login", json={"username": username, "password": PASSWORD})
    assert answer.is_success, answer.text
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {"Cookie": cookie, "X-CSRF-Token": client.cookies["csrf_token"]}


def bearer(client: httpx.Client, name: str, **who: Any) -> Headers:
    """Make an API key of the signed-in person; return its headers."""
    token = {"X-CSRF-Token": client.cookies["csrf_token"]}
    answer = client.post("/api/auth/api-keys", json={"name": name, **who}, headers=token)
    assert answer.is_success, answer.text
    return {"Authorization": f"Bearer {answer.json()['key']}"}


_numbers = iter(range(1, 1000))


@dataclass
class Person:
    """Somebody with an account, a session of each process, and a key."""

    id: int
    key: Headers
    sessions: list[Headers]


@pytest.fixture
def person(pair: Pair) -> Person:
    """A new researcher, signed in at both, from an address of their own: sign-ins are counted."""
    number = next(_numbers)
    name, place = f"person{number}", httpx.HTTPTransport(local_address=f"127.0.0.{number + 10}")
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    made = pair.do(0, "POST", "/api/users", body)
    sessions, key = [], {}
    for server in pair.servers:
        with server.client(transport=place) as client:
            sessions.append(sign_in(client, name))
            key = key or bearer(client, "mine")
    return Person(made["id"], key, sessions)


def seconds_until_end(listeners: list[Listener], since: float) -> list[float]:
    """Return how long after `since` each stream ended."""
    for listener in listeners:
        listener.end()
    return [listener.times[-1] - since for listener in listeners]


def told(exam: Exam, what: str, seconds: list[float]) -> None:
    """Put what was measured into the record."""
    shown = ", ".join(f"{each:.3f} s" for each in seconds)
    exam.tell(f"{what} ended after {shown}")


def test_a_session_of_one_is_a_session_of_the_other(pair: Pair, person: Person) -> None:
    for session in person.sessions:
        assert pair.statuses(session) == [200, 200]
    assert pair.statuses(person.key) == [200, 200]


@pytest.mark.parametrize("at", [0, 1])
def test_deactivating_somebody_ends_their_streams_on_both_at_once(
    pair: Pair, person: Person, exam: Exam, at: int
) -> None:
    everything = [person.key, *person.sessions]
    listeners = [listener for who in everything for listener in pair.listen(who)]
    since = time.monotonic()
    pair.do(at, "POST", f"/api/users/{person.id}/deactivate")
    for who in everything:
        assert pair.statuses(who) == [401, 401]
    seconds = seconds_until_end(listeners, since)
    told(exam, f"{len(listeners)} streams of a deactivated user (done at {at})", seconds)
    assert not any(message.name == "heartbeat" for each in listeners for message in each.messages)


def test_a_revoked_key_opens_nothing_on_either_and_its_streams_end(
    pair: Pair, person: Person, exam: Exam
) -> None:
    (row,) = pair.ask(0, "GET", "/api/auth/api-keys", person.key).json()["api_keys"]
    listeners = pair.listen(person.key)
    since = time.monotonic()
    assert pair.ask(1, "DELETE", f"/api/auth/api-keys/{row['id']}", person.key).is_success
    assert pair.statuses(person.key) == [401, 401]
    told(exam, "streams of a revoked key", seconds_until_end(listeners, since))
    assert pair.statuses(person.sessions[0]) == [200, 200]


def test_an_ended_session_is_nobodys_on_either_and_its_streams_end(
    pair: Pair, person: Person, exam: Exam
) -> None:
    first, second = person.sessions
    ended, stays = pair.listen(first), pair.listen(second)
    since = time.monotonic()
    assert pair.ask(1, "POST", "/api/auth/logout", first).is_success
    assert pair.statuses(first) == [401, 401]
    assert pair.statuses(second) == [200, 200]
    told(exam, "streams of an ended session", seconds_until_end(ended, since))
    since = time.monotonic()
    pair.do(0, "DELETE", f"/api/users/{person.id}/sessions")
    assert pair.statuses(second) == [401, 401]
    told(exam, "streams of a session an admin ended", seconds_until_end(stays, since))


def test_a_changed_password_ends_the_other_sessions_on_both(pair: Pair, person: Person) -> None:
    first, second = person.sessions
    body = {"current_password": PASSWORD, "new_password": PASSWORD[::-1]}
    assert pair.ask(0, "POST", "/api/auth/change-password", first, body).is_success
    assert pair.statuses(second) == [401, 401]


def test_a_changed_level_holds_from_the_next_request_on_both(
    pair: Pair, person: Person, exam: Exam
) -> None:
    listeners = pair.listen(person.key)
    levels = f"/api/users/{person.id}/levels"
    since = time.monotonic()
    pair.do(1, "POST", levels, {"level_name": "lead"})
    for number in (0, 1):
        assert "admin.approve" in pair.ask(number, "GET", ME, person.key).json()["permissions"]
    told(exam, "streams of a changed level", seconds_until_end(listeners, since))
    pair.do(0, "DELETE", f"{levels}/lead")
    for number in (0, 1):
        assert "admin.approve" not in pair.ask(number, "GET", ME, person.key).json()["permissions"]


def test_a_denied_permission_is_gone_from_the_next_request_on_both(
    pair: Pair, person: Person
) -> None:
    assert pair.statuses(person.key, "/api/queue") == [200, 200]
    body = {"permission_name": "queue.view", "granted": False}
    pair.do(0, "POST", f"/api/users/{person.id}/permissions", body)
    assert pair.statuses(person.key, "/api/queue") == [403, 403]


def test_nothing_written_after_a_right_was_taken_reaches_an_open_stream(
    pair: Pair, person: Person
) -> None:
    pair.do(0, "POST", f"/api/users/{person.id}/levels", {"level_name": "lead"})
    listeners = pair.listen(person.key)
    pair.do(0, "POST", PAUSE)
    until(lambda: all(each.facts for each in listeners))
    pair.do(1, "POST", f"/api/users/{person.id}/deactivate")
    head = pair.do(1, "GET", "/api/events/recent?limit=1")["head"]
    for number in (0, 1, 0, 1):
        pair.do(number, "POST", RESUME)
        pair.do(number, "POST", PAUSE)
    for listener in listeners:
        listener.end()
        assert all(number <= head for number in listener.numbers)
    pair.do(0, "POST", RESUME)


def test_what_happens_in_one_is_told_by_the_other_without_waiting_for_its_next_look(
    pair: Pair, exam: Exam
) -> None:
    count = exam.count("events", 10, 100)
    listeners = pair.listen(pair.admin)
    sent: list[float] = []
    for number in range(count):
        sent.append(time.monotonic())
        pair.do(0, "POST", (PAUSE, RESUME)[number % 2])
        until(lambda: all(len(each.facts) > number for each in listeners))  # noqa: B023
    for place, listener in zip(("the same", "the other"), listeners, strict=True):
        came = [
            moment
            for message, moment in zip(listener.messages, listener.times, strict=False)
            if message.number is not None
        ]
        lags = sorted((moment - begun) * 1000 for moment, begun in zip(came, sent, strict=True))
        exam.tell(
            f"request to message, {place} process: median {statistics.median(lags):.0f} ms, "
            f"longest {lags[-1]:.0f} ms"
        )
        assert [message.data["type"] for message in listener.facts] == [
            ("queue.paused", "queue.resumed")[number % 2] for number in range(count)
        ]
    for server in pair.servers:
        server.end()
    for listener in listeners:
        listener.end()
