"""What the tests of the core share: other processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core.processes import Nursery, nursery


@pytest.fixture(scope="session")
def processes() -> Iterator[Nursery]:
    """Runs scripts in real processes of their own."""
    with nursery() as ready:
        yield ready
