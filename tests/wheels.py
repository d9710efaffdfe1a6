"""Wheels built from this checkout, and fresh environments to install them into, as a user does."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.sources import ROOT

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


def build(project: Path, into: Path) -> Path:
    """Build the wheel of `project` (our root, or a stranger's package) and return it."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(into)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return into / done.stdout.split()[-1]


def fresh_environment(folder: Path, wheels: Sequence[Path]) -> Path:
    """Make a virtual environment with `wheels` and what they need; return its interpreter."""
    uv = Path(sys.executable).with_name("uv")
    venv.create(folder, with_pip=not uv.exists())
    python = folder / "bin" / "python"
    install = [str(uv), "pip", "install", "--python", str(python)]
    if not uv.exists():
        install = [str(python), "-m", "pip", "install"]
    done = subprocess.run(
        [*install, "--quiet", *map(str, wheels)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return python
