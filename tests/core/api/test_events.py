"""The journal over HTTP: recent facts, and streams that neither lose nor repeat any."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flask import Flask

from st_core.api import sse
from st_core.boot import boot, shut_down
from st_core.listening import listen, url_of
from st_core.web_server import make_server, serve

JOB = {"trainer": "fake_trainer", "config": {"steps": 1}}


@contextmanager
def serving(app: Flask) -> Iterator[httpx.Client]:
    """Serve `app` as users get it, with its services running; gives a client at this machine."""
    runner, stop = boot(app), threading.Event()
    sock = listen("127.0.0.1", 0)
    server = make_server(app, sock, 16, 1 << 20)
    thread = threading.Thread(target=serve, args=(server, stop), kwargs={"ending": runner.close})
    thread.start()
    try:
        with httpx.Client(base_url=url_of(sock), timeout=30) as client:
            yield client
    finally:
        stop.set()
        server.pull_trigger()
        thread.join()
        shut_down(app)


@pytest.fixture
def web(app: Flask) -> Iterator[httpx.Client]:
    """A client of a real server with the zoo."""
    with serving(app) as client:
        yield client


class Stream:
    """An open stream, read message by message."""

    def __init__(self, client: httpx.Client, path: str = "/api/events", **headers: str) -> None:
        request = client.build_request("GET", path, headers=headers)
        self.answer = client.send(request, stream=True)
        assert self.answer.status_code == 200, self.answer.read()
        self._lines = self.answer.iter_lines()

    def next(self) -> dict[str, Any]:
        """Return the next message as its fields, `data` decoded."""
        fields: dict[str, Any] = {"data": ""}
        for line in self._lines:
            if not line:
                return {**fields, "data": json.loads(fields["data"])}
            name, _, value = line.partition(": ")
            fields[name] = fields["data"] + value if name == "data" else value
        raise AssertionError("the stream has ended")

    def until(self, name: str) -> list[dict[str, Any]]:
        """Return all facts up to the first of this name."""
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["data"]["type"] != name:
            message = self.next()
            if "event" not in message:
                seen.append(message)
        return seen

    def close(self) -> None:
        """Leave, as a browser does."""
        self.answer.close()


def submit(web: httpx.Client, provider: str = "never") -> str:
    """Submit a job and return its number."""
    answer = web.post(f"/api/cloud/{provider}/submit", json=JOB)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def head(web: httpx.Client) -> int:
    """Return the number of the newest fact."""
    return int(web.get("/api/events/recent").json()["head"])


def test_recent_facts_come_newest_first_or_from_a_number_on(client: Any) -> None:
    client.post("/api/cloud/never/submit", json=JOB)
    told = client.get("/api/events/recent").json
    numbers = [event["id"] for event in told["events"]]
    assert numbers == sorted(numbers, reverse=True)
    assert told["head"] == numbers[0]
    assert {event["type"] for event in told["events"]} >= {"job.submitted"}
    later = client.get(f"/api/events/recent?after={numbers[-1]}&limit=1").json
    assert [event["id"] for event in later["events"]] == [numbers[-2]]
    assert client.get("/api/events/recent?job_id=1").json["events"][0]["job_id"] == "1"
    assert client.get("/api/events/recent?job_id=9").status_code == 404


def test_people_are_told_of_their_own_jobs_only(as_user: Callable[..., Any]) -> None:
    people = {
        name: as_user(level)
        for name, level in (("rita", "researcher"), ("rob", "researcher"), ("ada", "admin"))
    }
    people["rita"].post("/api/cloud/never/submit", json=JOB)
    told = {
        name: {event["type"] for event in client.get("/api/events/recent").json["events"]}
        for name, client in people.items()
    }
    assert "job.submitted" in told["rita"]
    assert "job.submitted" not in told["rob"]
    assert "job.submitted" in told["ada"]


def test_a_stream_tells_what_happens_from_now_on(web: httpx.Client) -> None:
    stream = Stream(web)
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    assert stream.answer.headers["X-Accel-Buffering"] == "no"
    assert stream.next()["event"] == "connection"
    submit(web, "instant")
    seen = stream.until("job.completed")
    assert seen[0]["data"]["type"] == "job.submitted"
    numbers = [int(message["id"]) for message in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    stream.close()


@pytest.mark.parametrize("way", ["header", "parameter", "both"])
def test_a_reader_that_comes_back_gets_what_it_missed_once_and_in_order(
    web: httpx.Client, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "CHECK_SECONDS", 0.0)  # asked before every message who listens
    submit(web)
    last = head(web)
    missed = submit(web)
    in_url = {"header": "", "parameter": f"?last_event_id={last}", "both": "?last_event_id=1"}
    headers = {} if way == "parameter" else {"Last-Event-ID": str(last)}
    stream = Stream(web, "/api/events" + in_url[way], **headers)
    stream.next()
    live = submit(web)
    seen = stream.until("job.submitted")
    assert seen[-1]["data"]["job_id"] == missed
    while seen[-1]["data"]["job_id"] != live:
        seen += stream.until("job.submitted")
    numbers = [int(message["id"]) for message in seen]
    assert numbers == list(range(last + 1, numbers[-1] + 1))
    stream.close()


def test_a_number_the_journal_does_not_have_resets_the_reader(web: httpx.Client) -> None:
    stream = Stream(web, "/api/events?last_event_id=999999")
    stream.next()
    message = stream.next()
    assert (message["event"], int(message["id"])) == ("reset", head(web))
    stream.close()


@pytest.mark.parametrize("number", ["abc", "-1", "1.5", "9" * 19])
def test_what_is_no_number_is_refused(client: Any, number: str) -> None:
    assert client.get(f"/api/events?last_event_id={number}").status_code == 422
    assert client.get("/api/events", headers={"Last-Event-ID": number}).status_code == 422


def test_past_the_limit_of_streams_the_answer_is_503_and_when_to_come_again(
    make_app: Callable[..., Flask],
) -> None:
    with serving(make_app(plugins=["zoo"], server__stream_limit=2)) as web:
        streams = [Stream(web), Stream(web, "/api/events/stream")]
        full = web.get("/api/events")
        assert (full.status_code, full.json()["code"]) == (503, "unavailable")
        assert int(full.headers["Retry-After"]) > 0
        for stream in streams:
            stream.close()
        submit(web)  # that a reader left is noticed at the next write
        end = time.monotonic() + 30
        while web.send(web.build_request("GET", "/api/events"), stream=True).status_code == 503:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_streams_end_when_the_server_stops(app: Flask) -> None:
    with serving(app) as web:
        stream = Stream(web)
        stream.next()
        app.extensions["st"].runner.close()
        assert list(stream._lines) == []


def test_a_stream_of_one_job_is_silent_about_others(web: httpx.Client) -> None:
    one = submit(web)
    stream = Stream(web, f"/api/events?job_id={one}")
    stream.next()
    submit(web)
    web.post(f"/api/cloud/jobs/{one}/cancel")
    assert {message["data"]["job_id"] for message in stream.until("job.cancelled")} == {one}
    stream.close()


def test_a_followed_log_gives_what_comes_until_the_job_has_ended(
    app: Flask, web: httpx.Client
) -> None:
    from st_core.db import db
    from st_core.models import Job
    from st_core.services import workspaces

    number = submit(web)
    with app.app_context():
        log = workspaces.of(db.session.get_one(Job, int(number))) / "log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("hello\n")
    with web.stream("GET", f"/api/cloud/jobs/{number}/logs/stream") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "id: 6"
        assert next(lines) == "data: hello"
        with log.open("a") as more:
            more.write("and more\n")
        web.post(f"/api/cloud/jobs/{number}/cancel")
        rest = list(lines)
    assert "data: and more" in rest
    assert rest[-3:] == ["event: done", "data: {}", ""]


def test_asking_only_for_the_head_takes_no_stream_away(make_app: Callable[..., Flask]) -> None:
    with serving(make_app(plugins=["zoo"], server__stream_limit=1)) as web:
        for _ in range(3):
            assert web.head("/api/events").status_code == 200
        Stream(web).close()


def test_a_stream_ends_when_its_reader_loses_the_right_to_listen(
    app: Flask, as_user: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from st_core.db import db, unit_of_work
    from st_core.models import User

    monkeypatch.setattr(sse, "CHECK_SECONDS", 0.0)
    reader, admin = as_user("researcher", "rita"), as_user("admin")
    with serving(app) as web:
        stream = Stream(web, Authorization=f"Bearer {reader.api_key}")
        assert stream.next()["event"] == "connection"
        with app.app_context(), unit_of_work():
            db.session.query(User).filter_by(username="rita").one().is_active = False
        web.post("/api/queue/pause", headers={"Authorization": f"Bearer {admin.api_key}"})
        assert list(stream._lines) == []


def test_what_was_committed_just_before_a_reader_came_is_not_lost(app: Flask) -> None:
    from st_core.contracts import Viewer
    from st_core.services import events, streams

    everyone = Viewer(1, "somebody", "Somebody", frozenset({"*"}))
    with serving(app) as web:
        submit(web)
        with app.app_context():
            last = events.head()  # opens a snapshot that knows nothing of what follows
            submit(web)
            seen = streams.follow(everyone, last)
            said = (each for each in seen if isinstance(each, streams.Message))
            assert next(said).name == "connection"
            assert next(said).number == last + 1
            seen.close()
