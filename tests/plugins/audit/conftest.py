"""What tests of the audit log share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.core.processes import Nursery, nursery


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server that keeps an audit log, and can run jobs."""
    return make_app(plugins=["audit", "zoo"])


@pytest.fixture(scope="session")
def processes() -> Iterator[Nursery]:
    """Other processes."""
    with nursery() as started:
        yield started
