"""The small files by which shepherd and server speak: written whole or not at all, and the last one
even on a full disk.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

LAUNCH = (
    "launch.json"  # what is to run; written by the server, with the names of variables but no value
)
PROCESSES = "proc.json"  # who runs; written before the trainer starts, and again when it has
EXIT = "exit.json"  # how it ended; the last thing a shepherd writes
RESERVE = "exit.reserve"  # disk space put aside for exit.json
STOP = "stop"  # request: save and end
CHECKPOINT = "checkpoint"  # request: save now
RESERVED_BYTES = 4096


def read(path: Path) -> dict[str, Any] | None:
    """Return the record at `path`, or None when there is none or it is not whole."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def write(path: Path, record: dict[str, Any]) -> None:
    """Put `record` at `path` at once, readable by its owner only."""
    place(path, json.dumps(record, indent=1) + "\n")


def place(path: Path, text: str) -> None:
    """Put `text` at `path` at once: a reader sees the old file or the new one, never half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def reserve(run: Path) -> None:
    """Put disk space aside, so that the last word can be written when the trainer has filled the
    disk.
    """
    place(run / RESERVE, " " * RESERVED_BYTES)


def write_last(run: Path, record: dict[str, Any]) -> None:
    """Turn the reserved space into exit.json: overwritten in place (JSON may end in blanks), on the
    disk, then renamed.
    """
    reserved = run / RESERVE
    with contextlib.suppress(FileNotFoundError), open(reserved, "r+", encoding="utf-8") as file:
        file.write(json.dumps(record, indent=1).ljust(RESERVED_BYTES))
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
        reserved.replace(run / EXIT)
        return
    write(run / EXIT, record)


def boot_id() -> str:
    """Return what names this boot of the machine, empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
