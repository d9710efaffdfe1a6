"""Fixtures of the tests of running on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from st_local_gpu import launching, processes
from st_local_gpu.inventory import watch

from tests.plugins.local_gpu import nvml
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


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the driver's library, loaded into this process."""
    library = nvml.build(tmp_path_factory.mktemp("nvml"))
    nvml.preload(library)
    return library


@pytest.fixture
def gpus(
    nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[nvml.Inventory]:
    """An inventory of GPUs that a test fills: none at first."""
    inventory = nvml.Inventory(tmp_path / "gpus.txt")
    monkeypatch.setenv("FAKE_NVML", str(inventory.path))
    watch.close()
    yield inventory
    watch.close()
