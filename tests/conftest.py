"""What all tests here share: real components, guards on every test, the exam's counts."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from st_core.testing.server import ServerProcess
from st_core.testing.warm_start import Nursery
from tests.exam import Exam, report
from tests.testbed.nginx import Nginx
from tests.testbed.postgres import Postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_configure() -> None:
    """Take Ctrl-C as it is taken on a terminal: a shell lets its background jobs ignore it, and
    whatever they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run modules with slow tests first, so that no worker ends long after the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts that the exam ran with."""
    report(terminalreporter)


@pytest.fixture(autouse=True)
def _guarded(guards: None) -> None:
    """No test reaches beyond loopback or connects inside a unit of work."""


@pytest.fixture(scope="session", autouse=True)
def _warm_servers() -> Iterator[None]:
    """Servers are forked from a process that has imported them; commands still start cold."""
    ServerProcess.nursery = nursery = Nursery()
    yield
    ServerProcess.nursery = None
    nursery.close()


@pytest.fixture
def exam(request: pytest.FixtureRequest) -> Exam:
    """The counts of this test: small ones, or under `make exam` the full ones."""
    return Exam(request.node)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server for this session."""
    with Postgres() as server:
        yield server.url


@pytest.fixture
def nginx() -> Iterator[Callable[[int], Nginx]]:
    """Put nginx in front of a port: `nginx(server.port).url`."""
    started: list[Nginx] = []

    def start(port: int) -> Nginx:
        started.append(Nginx(port).__enter__())
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium for this session."""
    from tests.testbed.chromium import chromium

    with chromium() as started:
        yield started
