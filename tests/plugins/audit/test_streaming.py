"""The log is sent on: every entry at least once, in order, again after whatever failed."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from st_audit import sinks, streaming

from st_core.db import db
from tests.plugins.audit import logs


class Siem:
    """A webhook's receiver that answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()
        siem = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                siem.tokens.add(self.headers["Authorization"])
                if siem.status == 200:
                    siem.taken += json.loads(body)["entries"]
                self.send_response(siem.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def siem() -> Iterator[Siem]:
    """A receiver."""
    started = Siem()
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server that may call this machine."""
    return make_app(plugins=["audit", "zoo"], network__allowed_private=["127.0.0.1"])


def send(app: Flask, **given: Any) -> None:
    """Set where the log goes, if said, and let it be sent."""
    with app.app_context():
        if given:
            sinks.change(given)
        streaming.run()


def test_a_webhook_gets_every_entry_in_order_with_the_token(app: Flask, siem: Siem) -> None:
    logs.write(app, 3)
    send(app, webhook_url=siem.url, auth_token="s3cret")
    logs.write(app, 250)
    send(app)
    send(app)
    newest = logs.rows(app)
    first = siem.taken[0]["number"]
    assert [each["number"] for each in siem.taken] == list(range(first, newest[-1]["number"] + 1))
    assert first == 4, "what was written before it was set stays here"
    assert siem.taken[-1]["entry_hash"] == newest[-1]["entry_hash"]
    assert siem.tokens == {"Bearer s3cret"}


def test_what_was_refused_is_sent_again_after_a_pause(app: Flask, siem: Siem, clock: Any) -> None:
    send(app, webhook_url=siem.url)
    logs.write(app, 5)
    siem.status = 503
    send(app)
    with app.app_context():
        (sink,) = sinks.current().values()
        assert (sink.failures, sink.error) == (1, "NotTaken: the webhook answered 503")
        assert streaming.check_health().status == "healthy"
    clock.advance(minutes=20)
    with app.app_context():
        told = streaming.check_health()
        assert (told.status, "503" in told.message) == ("degraded", True)
    siem.status = 200
    send(app)
    assert len(siem.taken) == 6
    with app.app_context():
        assert streaming.check_health().status == "healthy"


def test_a_crash_after_sending_sends_again(app: Flask, siem: Siem) -> None:
    send(app, webhook_url=siem.url)
    logs.write(app, 2)
    send(app)
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_sink SET cursor = cursor - 2")
    send(app)
    assert len(siem.taken) == 5


def test_only_security_when_asked(app: Flask, siem: Siem) -> None:
    send(app, webhook_url=siem.url, security_only=True)
    logs.write(app, 2)
    send(app)
    assert [each["event_type"] for each in siem.taken] == ["audit.streaming_changed"]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_syslog_gets_messages_of_rfc_5424(app: Flask, protocol: str) -> None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        got: list[bytes] = []

        def take() -> None:
            with suppress(OSError):
                if protocol == "udp":
                    got.append(receiver.recv(65536))
                    return
                connection, _ = receiver.accept()
                with connection:
                    while piece := connection.recv(65536):
                        got.append(piece)

        if protocol == "tcp":
            receiver.listen()
        thread = threading.Thread(target=take)
        thread.start()
        port = receiver.getsockname()[1]
        given = {"syslog_host": "127.0.0.1", "syslog_port": port, "syslog_protocol": protocol}
        send(app, **given)
        thread.join()
    text = b"".join(got).decode()
    if protocol == "tcp":
        length, _, text = text.partition(" ")
        assert int(length) == len(text)
    head, _, line = text.partition("] ")
    assert head.startswith("<108>1 20")
    assert '[audit@32473 number="' in head
    assert json.loads(line)["event_type"] == "audit.streaming_changed"
