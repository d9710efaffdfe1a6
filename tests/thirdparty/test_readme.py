"""The plugin that `plugins/README.md` writes in ten minutes works as it is printed there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from st_core.testing import database_fixtures, fixtures, process_fixtures
from st_core.testing.installed import installed, write_distribution
from tests.sources import PLUGINS

TEXT = (PLUGINS / "README.md").read_text("utf-8")
#: A fenced block whose first line is a comment that names its file.
BLOCK = re.compile(r"^```\w+\n# (?P<path>[\w/.]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Write down what the page prints, and install it."""
    for block in BLOCK.finditer(TEXT):
        path = tmp_path / block["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["text"])
    return tmp_path


def test_the_printed_package_passes_the_printed_test(written: Path, postgres_url: str) -> None:
    project = tomllib.loads((written / "pyproject.toml").read_text("utf-8"))["project"]
    (points,) = project["entry-points"].values()
    write_distribution(written, points, project["name"], project["version"])
    with installed(written):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
            cwd=written,
            env={**os.environ, "ST_TEST_POSTGRES_URL": postgres_url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout


def test_every_fixture_the_page_names_exists() -> None:
    table = TEXT.split("| fixture |")[1].split("\n\n")[0]
    firsts = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    named = {name for cell in firsts for name in re.findall(r"`(\w+)", cell)}
    known = {*vars(fixtures), *vars(database_fixtures), *vars(process_fixtures)}
    assert named
    assert named - known == set()
