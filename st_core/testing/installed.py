"""Plugins installed for one test: a hand-written `.dist-info` on the path, as pip would leave it.

Also reaches server processes, through `PYTHONPATH`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..plugins import GROUP


def write_distribution(
    folder: Path, plugins: Mapping[str, str], distribution: str, version: str = "0"
) -> None:
    """Write the metadata of a distribution that brings `plugins` (name → importable module)."""
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    told = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (info / "METADATA").write_text(told)
    points = "".join(f"{plugin} = {module}\n" for plugin, module in plugins.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")


def write_plugin(folder: Path, name: str, source: str, distribution: str = "") -> None:
    """Write a plugin of one module, `st_<name>.py`, and the metadata of its distribution."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"st_{name}.py").write_text(source)
    brought_by = distribution or f"st-{name.replace('_', '-')}"
    write_distribution(folder, {name: f"st_{name}"}, brought_by)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Put `folder` first on the path of this process and of those it starts."""
    before = os.environ.get("PYTHONPATH")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), before)))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
        _forget(folder)


def _forget(folder: Path) -> None:
    """Let the next test import its own modules of the same names."""
    inside = f"{folder}{os.sep}"
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(inside):
            del sys.modules[name]
