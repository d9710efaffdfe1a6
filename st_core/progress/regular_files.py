"""Opens files that a training script left: follows no link and waits for no pipe."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class RegularFile:
    """An open file; `size_bytes` is its size when it was opened."""

    handle: BinaryIO
    size_bytes: int

    def read_at(self, offset: int, count: int) -> bytes:
        """Return at most `count` bytes from `offset` on."""
        self.handle.seek(offset)
        return self.handle.read(count)


@contextmanager
def open_regular(path: Path) -> Iterator[RegularFile | None]:
    """Open `path` for reading; None when it is missing, unreadable, or no regular file."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        yield None
        return
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        yield None
        return
    with os.fdopen(descriptor, "rb", buffering=0) as handle:
        yield RegularFile(handle, status.st_size)


def read_regular(path: Path, limit_bytes: int) -> bytes | None:
    """Return the content of `path`; None when it is no regular file or over `limit_bytes`."""
    with open_regular(path) as file:
        if file is None or file.size_bytes > limit_bytes:
            return None
        return file.read_at(0, limit_bytes)
