"""Zip archives written while they are sent, so that a checkpoint of any size needs no room of its
own.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from typing_extensions import Buffer

CHUNK_BYTES = 1 << 20


class _Outlet(io.RawIOBase):
    """A file that cannot seek; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Say yes: that is all it can."""
        return True

    def write(self, data: Buffer) -> int:
        """Keep `data` until it is taken."""
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        """Return everything written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def stream(folder: Path, files: Sequence[Path]) -> Iterator[bytes]:
    """Give a zip of `files` with paths relative to the folder above `folder`; weights do not
    compress.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            info = zipfile.ZipInfo.from_file(
                path, str(path.relative_to(folder.parent)), strict_timestamps=False
            )
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield outlet.take()
    yield outlet.take()
