"""What a command left: complete checkpoints, sample pictures, and the evidence of its completion.

A *whole* file is one that was not torn while it was written, as far as its format can tell.
"""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from st_core.contracts import Artifact, Checkpoint
from st_core.progress.failures import LOG, attempt_offset, explain, tail_lines
from st_core.progress.reader import Standing

from .profile import Checkpoints, Completion

_HEADER_LIMIT_BYTES = 100 << 20


def checkpoints(workspace: Path, rule: Checkpoints | None) -> list[Checkpoint]:
    """Return the complete checkpoints, oldest first."""
    found = []
    for path in workspace.glob(rule.pattern) if rule else ():
        number = re.search(rule.step, path.name) if rule else None
        if rule and number and not path.is_symlink() and _is_complete(path, rule):
            saved = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            relative = path.relative_to(workspace).as_posix()
            found.append(Checkpoint(relative, int(number[1]), _size_bytes(path), saved))
    return sorted(found, key=lambda each: (each.step, each.path))


def samples(workspace: Path, pattern: str | None) -> list[Artifact]:
    """Return the sample pictures, oldest first."""
    found = []
    for path in workspace.glob(pattern) if pattern else ():
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            changed = datetime.fromtimestamp(status.st_mtime, UTC)
            relative = path.relative_to(workspace).as_posix()
            found.append(Artifact(relative, "sample", status.st_size, changed))
    return sorted(found, key=lambda each: (each.modified_at, each.path))


def outcome(
    workspace: Path, rule: Completion, file: str | None, told: Standing, exit_code: int | None
) -> tuple[bool, str]:
    """Tell whether everything that `rule` names is there, and if not why the command failed.

    `file` is the rule's with its places filled.
    """
    failure = explain(workspace, exit_code)
    if exit_code != 0:
        return False, failure.text
    missing = _missing(workspace, rule, file, told)
    if missing and failure.line:
        return False, failure.line
    return not missing, missing


def _missing(workspace: Path, rule: Completion, file: str | None, told: Standing) -> str:
    """Return the first evidence that is not there, as a sentence; empty when all is."""
    if rule.file and not any(is_whole(path) for path in workspace.glob(file or rule.file)):
        return f"The command ended without an error, but {file} is not there or not whole."
    if rule.log:
        lines = tail_lines(workspace / LOG, attempt_offset(workspace))
        if not any(re.search(rule.log, line) for line in lines):
            return "The command ended without an error, but its log does not say that it finished."
    if rule.steps and not (told.total and (told.step or 0) >= told.total):
        return f"The command ended at step {told.step or 0} of {told.total or 'an unknown number'}."
    return ""


def _is_complete(path: Path, rule: Checkpoints) -> bool:
    if path.is_file():
        return is_whole(path)
    if rule.marker is None:
        return all(is_whole(each) for each in path.rglob("*") if each.is_file())
    return any(is_whole(each) for each in path.glob(rule.marker))


def is_whole(path: Path) -> bool:
    """Tell whether a file is complete: its format's own end is there; others are not empty."""
    try:
        if path.suffix == ".safetensors":
            return _is_whole_safetensors(path)
        if path.suffix == ".json":
            json.loads(path.read_bytes())
            return True
        if path.suffix in (".pt", ".pth", ".bin", ".pkl"):
            return zipfile.is_zipfile(path)
        return path.is_file() and path.stat().st_size > 0
    except (OSError, ValueError):
        return False


def _is_whole_safetensors(path: Path) -> bool:
    """Tell whether the file is as long as its header says."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _HEADER_LIMIT_BYTES:
            return False
        header = json.loads(file.read(length))
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return path.stat().st_size == 8 + length + max(ends, default=0)


def _size_bytes(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
