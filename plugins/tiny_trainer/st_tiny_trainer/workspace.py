"""What a run has left in its workspace: checkpoints, samples, and its last word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from st_core.contracts import Artifact, Checkpoint
from st_core.progress.event_lines import parse_event_line
from st_core.progress.readings import Reading

from .engine.tiny_flow import folders

TAIL_BYTES = 1 << 16


def checkpoints(workspace: Path) -> list[Checkpoint]:
    """Return the complete checkpoints, oldest first; a folder that is still written is none."""
    return [
        Checkpoint(
            path=found.folder.relative_to(workspace).as_posix(),
            step=found.step,
            size_bytes=found.size_bytes,
            saved_at=_saved_at(found),
        )
        for found in folders.checkpoints(workspace)
    ]


def _saved_at(found: folders.Found) -> datetime | None:
    try:
        return datetime.fromisoformat(str(found.state.get("saved_at")))
    except ValueError:
        return None


def samples(workspace: Path) -> list[Artifact]:
    """Return the sample pictures: one grid per round, then the single pictures of the last."""
    grids = sorted((workspace / folders.SAMPLES).glob("step-*.png"))
    single = sorted((workspace / folders.FINAL_SAMPLES).glob("*.png"))
    return [_sample(path, workspace) for path in (*grids, *single)]


def _sample(path: Path, workspace: Path) -> Artifact:
    told = path.stat()
    return Artifact(
        path=path.relative_to(workspace).as_posix(),
        kind="sample",
        size_bytes=told.st_size,
        modified_at=datetime.fromtimestamp(told.st_mtime, UTC),
    )


def outcome(workspace: Path, exit_code: int | None) -> tuple[bool, str]:
    """Tell from the last events whether the run completed; if not, why, in one sentence."""
    last = next((reading for reading in _latest(workspace) if reading.event in _LAST_WORDS), None)
    if last is not None and last.event == "completed":
        return True, ""
    if last is not None and last.event in ("failed", "stopped") and last.message:
        return False, _sentence(last.message)
    if exit_code is None:
        return False, "The trainer ended without a word; nobody saw its exit code."
    if exit_code == 0:
        return False, "The trainer exited with code 0 but never said that it completed."
    return False, f"The trainer ended with exit code {exit_code} without a word of its own."


_LAST_WORDS = ("started", "completed", "failed", "stopped")


def _latest(workspace: Path) -> Iterator[Reading]:
    """Return the readings of the last events, the newest first."""
    try:
        with (workspace / folders.EVENTS).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return
    for line in reversed(lines):
        if (reading := parse_event_line(line)) is not None:
            yield reading


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
