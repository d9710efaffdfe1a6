"""The wheel holds everything a server needs, and works where there is no checkout."""

from __future__ import annotations

import subprocess
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from st_core.plugins import GROUP
from st_core.testing.server import ServerProcess
from tests import wheels
from tests.sources import PLUGINS, ROOT, plugin_names
from tests.stories import Story

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with nothing but the wheel and what it needs."""
    return wheels.fresh_environment(tmp_path_factory.mktemp("fresh"), [wheel])


@pytest.fixture(scope="module")
def content(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def committed(folder: Path) -> Iterator[str]:
    """Yield the files below `folder` that are under version control, relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    yield from filter(None, listed.stdout.decode().split("\0"))


@pytest.mark.parametrize("folder", ["templates", "migrations"])
def test_the_wheel_holds_the_core_pages_and_migrations(folder: str, content: set[str]) -> None:
    wanted = {f"st_core/{folder}/{name}" for name in committed(ROOT / folder)}
    assert wanted
    assert wanted - content == set()


@pytest.mark.parametrize("name", plugin_names())
def test_the_wheel_holds_every_file_of_a_plugin(name: str, content: set[str]) -> None:
    folder = PLUGINS / name / f"st_{name}"
    assert {f"st_{name}/{each}" for each in committed(folder)} - content == set()


def test_the_wheel_holds_every_file_of_the_core(content: set[str]) -> None:
    assert {f"st_core/{each}" for each in committed(ROOT / "st_core")} - content == set()


def test_the_wheel_holds_nothing_else(content: set[str]) -> None:
    own = {"st_core", *(f"st_{name}" for name in plugin_names())}
    strays = {name for name in content if name.split("/")[0] not in own}
    assert {name for name in strays if ".dist-info/" not in name} == set()


def test_every_plugin_folder_is_declared_and_installed() -> None:
    declared = PYPROJECT["project"]["entry-points"][GROUP]
    assert declared == {name: f"st_{name}" for name in plugin_names()}
    installed = {point.name for point in entry_points(group=GROUP)}
    assert set(declared) <= installed, "run `make test`, which installs this checkout"


def test_every_dependency_has_a_range() -> None:
    loose = [each for each in PYPROJECT["project"]["dependencies"] if ">=" not in each]
    assert loose == []


@pytest.mark.slow
def test_installed_into_a_fresh_environment_the_server_runs_a_job(
    installed: Path, server: Callable[..., ServerProcess]
) -> None:
    process = server(queue__max_concurrent=2)
    process.python = installed
    with Story(process.start()) as story:
        story.see_every_page()
        job = story.train(provider="local_gpu", trainer="tiny_trainer")
        assert job["status"] == "completed"
    assert process.end() == 0


@pytest.mark.slow
def test_without_a_checkout_the_state_lies_in_the_users_data_folder(
    installed: Path, state_dir: Path
) -> None:
    code = "from st_core.config import state_dir; print(state_dir())"
    told = subprocess.run(
        [installed, "-c", code],
        env={"HOME": str(state_dir), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(told.stdout.strip()) == state_dir / ".local" / "share" / "simpletuner"
