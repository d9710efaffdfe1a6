"""waitress as we run it: requests in flight finish, new ones are refused, streams come through."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from st_core.listening import listen
from st_core.web_server import make_server, serve


class Running:
    """A server around a WSGI function, in a thread."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.sock = listen("127.0.0.1", 0)
        self.port = self.sock.getsockname()[1]
        self.stop = threading.Event()
        self.ended = threading.Event()
        self.server = make_server(app, self.sock, threads=4, max_body_bytes=1000)
        self.thread = threading.Thread(
            target=serve, args=(self.server, self.stop, self.ended.set), daemon=True
        )
        self.thread.start()

    def get(self) -> tuple[int, bytes]:
        """Ask once on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self) -> None:
        """Set the stop flag as a signal would."""
        if not self.stop.is_set():
            self.stop.set()
            self.server.pull_trigger()


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def make(app: Callable[..., Iterable[bytes]]) -> Running:
        made.append(Running(app))
        return made[-1]

    yield make
    for each in made:
        each.end()
        each.thread.join(20)


def test_a_request_in_flight_is_answered_after_the_stop(
    running: Callable[..., Running],
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        entered.set()
        go_on.wait(20)
        start("200 OK", [("Content-Length", "4")])
        return [b"done"]

    server = running(slow)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(server.get)
        assert entered.wait(20)
        server.end()
        assert server.ended.wait(20)
        _wait_until_refused(server.port)
        go_on.set()
        assert asked.result(20) == (200, b"done")
    server.thread.join(20)
    assert not server.thread.is_alive()


def _wait_until_refused(port: int) -> None:
    """Return once nobody accepts connections any more; the draining closes the port a bit later."""
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return
    pytest.fail("the server still accepts connections")


def test_a_request_the_kernel_took_before_the_stop_is_answered(
    running: Callable[..., Running],
) -> None:
    def hello(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    server = running(hello)
    waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(20)]
    server.end()
    for each in waiting:
        each.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answers = [each.recv(4096) for each in waiting]
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    for each in waiting:
        each.close()


def test_a_stream_arrives_piece_by_piece_and_a_reader_that_left_is_noticed(
    running: Callable[..., Running],
) -> None:
    said, left = threading.Event(), threading.Event()

    def stream(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        yield b"data: 1\n\n"
        assert said.wait(20)
        gone = environ["waitress.client_disconnected"]
        while not gone():
            threading.Event().wait(0.01)
        left.set()

    server = running(stream)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as reader:
        reader.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while b"data: 1" not in received:
            received += reader.recv(4096)
        said.set()
    assert left.wait(20)


def test_forwarded_headers_reach_the_app_so_that_it_can_distrust_them(
    running: Callable[..., Running],
) -> None:
    def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return [environ.get("HTTP_X_FORWARDED_FOR", "none").encode()]

    server = running(echo)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/", headers={"X-Forwarded-For": "198.51.100.7"})
    assert connection.getresponse().read() == b"198.51.100.7"
    connection.close()


def test_answers_do_not_tell_what_serves_them(running: Callable[..., Running]) -> None:
    def hello(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "0")])
        return []

    server = running(hello)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().getheader("Server") is None
    connection.close()
