"""What the run tells: JSON lines in the events file for programs, sentences on stdout for people.

The line format is version 1 of the product's progress protocol; README of the plugin lists the
types.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

TAIL_BYTES = 1 << 16


class Events:
    """An append-only events file; `seq` goes on counting where an earlier process stopped."""

    def __init__(self, path: Path) -> None:
        """Open the file; a last line torn by a crash is ended, so that readers can skip it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        tail = _tail(path)
        self.seq = _last_seq(tail)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if tail and not tail.endswith(b"\n"):
            os.write(self._file, b"\n")

    def write(self, kind: str, **fields: Any) -> None:
        """Append one line of type `kind` in a single write, so that no reader sees half of it."""
        self.seq += 1
        line = {"v": 1, "seq": self.seq, "ts": round(time.time(), 3), "type": kind, **fields}
        os.write(self._file, (json.dumps(line, allow_nan=False) + "\n").encode())


def say(sentence: str) -> None:
    """Print a line for people, at once."""
    print(sentence, flush=True)


def _tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read()
    except FileNotFoundError:
        return b""


def _last_seq(tail: bytes) -> int:
    for line in reversed(tail.splitlines()):
        try:
            seq = json.loads(line)["seq"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(seq, int):
            return seq
    return 0
