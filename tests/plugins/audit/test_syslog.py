"""Syslog over TCP and TLS: nothing is lost when the receiver goes away, and nobody else gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from st_audit import sinks, streaming, syslog

from tests.plugins.audit import logs
from tests.plugins.audit.receivers import Receiver
from tests.testbed.certificates import Authority, Issued

HOST = "localhost"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority the server trusts."""
    return Authority(tmp_path / "trusted")


@pytest.fixture
def app(make_app: Callable[..., Flask], authority: Authority) -> Flask:
    """A server that may call this machine and trusts the test's authority."""
    return make_app(
        plugins=["audit", "zoo"],
        network__allowed_private=["127.0.0.0/8", "::1"],
        tls__ca_bundle=str(authority.bundle),
    )


@pytest.fixture
def start() -> Iterator[Callable[..., Receiver]]:
    """Start receivers: `start(issued)` over TLS, `start()` over TCP."""
    started: list[Receiver] = []

    def start_(issued: Issued | None = None, port: int = 0) -> Receiver:
        started.append(Receiver(issued, port))
        return started[-1]

    yield start_
    for each in started:
        each.stop()


@pytest.fixture(params=["tls", "tcp"])
def receiver(
    request: pytest.FixtureRequest, start: Callable[..., Receiver], authority: Authority
) -> tuple[str, Receiver]:
    """A protocol and a receiver that speaks it."""
    issued = authority.issue(HOST, "127.0.0.1") if request.param == "tls" else None
    return request.param, start(issued)


def aim(app: Flask, protocol: str, port: int, host: str = HOST) -> None:
    """Say where the log goes."""
    with app.app_context():
        sinks.change({"syslog_host": host, "syslog_port": port, "syslog_protocol": protocol})


def send(app: Flask, clock: Any) -> str | None:
    """Let the log be sent, past any pause, and return what the place's trouble is."""
    clock.advance(minutes=16)
    with app.app_context():
        streaming.run()
        (sink,) = sinks.current().values()
        return sink.error


def numbers(receiver: Receiver) -> list[int]:
    return [each["number"] for each in receiver.taken]


def everything(app: Flask, first: int = 1) -> list[int]:
    return list(range(first, logs.rows(app)[-1]["number"] + 1))


def test_every_entry_arrives_in_order_as_it_was_written(
    app: Flask, receiver: tuple[str, Receiver], clock: Any
) -> None:
    protocol, there = receiver
    aim(app, protocol, there.port)
    logs.write(app, 450)
    assert send(app, clock) is None
    assert numbers(there) == everything(app)
    assert there.connections == 3, "batches of 200"
    assert there.taken[-1]["entry_hash"] == logs.rows(app)[-1]["entry_hash"]
    assert there.taken[-1]["message"] == "für eine Pause, 449"


def test_a_receiver_that_goes_away_and_comes_back_misses_nothing(
    app: Flask, start: Callable[..., Receiver], authority: Authority, clock: Any
) -> None:
    issued = authority.issue(HOST)
    before = start(issued)
    aim(app, "tls", before.port)
    logs.write(app, 5)
    assert send(app, clock) is None
    before.stop()
    logs.write(app, 300)
    assert "Refused" in (send(app, clock) or "")
    after = start(issued, before.port)
    assert send(app, clock) is None
    assert numbers(before) + numbers(after) == everything(app)


@pytest.mark.parametrize("manner", ["dying", "frozen"])
def test_what_was_not_read_to_the_end_is_sent_again(
    app: Flask,
    receiver: tuple[str, Receiver],
    manner: str,
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(syslog, "GOODBYE_SECONDS", 0.3)
    monkeypatch.setattr(syslog, "TIMEOUT_SECONDS", 0.3)
    protocol, there = receiver
    aim(app, protocol, there.port)
    logs.write(app, 40)
    there.manner = manner
    assert send(app, clock) is not None
    there.manner = "prompt"
    monkeypatch.undo()
    assert send(app, clock) is None
    assert numbers(there) == everything(app)


def test_a_receiver_that_closes_without_a_goodbye_has_taken_it(
    app: Flask, receiver: tuple[str, Receiver], clock: Any
) -> None:
    protocol, there = receiver
    there.manner = "curt"
    aim(app, protocol, there.port)
    logs.write(app, 3)
    assert send(app, clock) is None
    assert numbers(there) == everything(app)
    assert send(app, clock) is None
    assert there.connections == 1, "what was taken is not sent twice"


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("stranger", "unable to get local issuer certificate"),
        ("other name", "Hostname mismatch"),
        ("ended", "certificate has expired"),
    ],
)
def test_who_cannot_prove_to_be_the_receiver_gets_nothing(
    app: Flask,
    start: Callable[..., Receiver],
    authority: Authority,
    tmp_path: Path,
    case: str,
    reason: str,
    clock: Any,
) -> None:
    issued = {
        "stranger": lambda: Authority(tmp_path / "other", "a stranger").issue(HOST),
        "other name": lambda: authority.issue("elsewhere.example"),
        "ended": lambda: authority.issue(HOST, days=-1),
    }[case]()
    there = start(issued)
    aim(app, "tls", there.port)
    assert reason in (send(app, clock) or "")
    assert there.taken == []


def test_a_receiver_in_a_private_network_must_be_listed(
    make_app: Callable[..., Flask], start: Callable[..., Receiver], clock: Any
) -> None:
    app, there = make_app(plugins=["audit", "zoo"]), start()
    aim(app, "tcp", there.port)
    assert "DestinationRefused" in (send(app, clock) or "")
    assert there.connections == 0
