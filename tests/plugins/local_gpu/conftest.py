"""Fixtures of the tests of running on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from st_local_gpu import launching, processes

from tests.plugins.local_gpu.bench import Bench, until


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Start real trainings; at the end none of their processes may be left."""
    made = Bench(tmp_path)
    yield made
    left = made.trainees()
    for key in made.keys:
        processes.clear(key, None)
    until(lambda: not made.shepherds())
    launching.reap()
    assert left == [], "a test left processes behind"
