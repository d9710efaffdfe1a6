"""What a training left: checkpoints, sample pictures, and the evidence whether it completed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from st_core.contracts import Artifact, Checkpoint
from st_core.progress.failures import explain
from st_core.progress.regular_files import read_regular

from .launching import OUTPUT

MANIFEST = f"{OUTPUT}/training_metrics.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)(?:-rolling)?")
_SAMPLE = re.compile(r"step_(\d+)_")
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp4"})
_MANIFEST_BYTES = 8 << 20


def checkpoints(workspace: Path) -> list[Checkpoint]:
    """Return the complete checkpoints, oldest first: those whose `.guard` is there."""
    found = []
    for folder in _folders(workspace / OUTPUT):
        name, guard = _CHECKPOINT.fullmatch(folder.name), folder / ".guard"
        if name and guard.is_file() and not folder.is_symlink():
            saved = datetime.fromtimestamp(guard.stat().st_mtime, UTC)
            path = f"{OUTPUT}/{folder.name}"
            found.append(Checkpoint(path, int(name[1]), _size_bytes(folder), saved))
    return sorted(found, key=lambda each: (each.step, each.path))


def samples(workspace: Path) -> list[Artifact]:
    """Return the pictures of the validations, oldest first."""
    folder = workspace / OUTPUT / "validation_images"
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix.lower() in _PICTURES and path.is_file() and not path.is_symlink():
            status = path.stat()
            changed = datetime.fromtimestamp(status.st_mtime, UTC)
            relative = path.relative_to(workspace).as_posix()
            found.append(Artifact(relative, "sample", status.st_size, changed))
    return sorted(found, key=lambda each: (_step(each.path), each.path))


def outcome(workspace: Path, exit_code: int | None) -> tuple[bool, str]:
    """Tell whether the training completed, and why not.

    Exit code 0 alone means nothing (an interrupted run has it too): its manifest must say so.
    """
    completed = _manifest(workspace).get("status") == "completed"
    if exit_code == 0 and completed:
        return True, ""
    failure = explain(workspace, exit_code)
    if exit_code == 0 and not failure.line:
        return False, "SimpleTuner stopped early: it ended without an error and without finishing."
    return False, failure.text


def _manifest(workspace: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_regular(workspace / MANIFEST, _MANIFEST_BYTES) or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _folders(parent: Path) -> Iterator[Path]:
    if parent.is_dir():
        yield from (path for path in parent.iterdir() if path.is_dir())


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _step(path: str) -> int:
    found = _SAMPLE.search(path)
    return int(found[1]) if found else 0
