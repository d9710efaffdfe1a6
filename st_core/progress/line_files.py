"""Follows a file of lines that grows, appears late, shrinks, is replaced, and ends in a torn line.

Reads in chunks of 1 MiB and keeps at most 64 KiB of one line, whatever the trainer writes. A file
is the same as long as it begins with the same bytes: an inode may be used again at once, and a file
rewritten in place keeps its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .readings import News, Reading
from .regular_files import open_regular

CHUNK_BYTES = 1 << 20
LINE_BYTES = 64 << 10
_HEAD_BYTES = 256
_REDRAWS = 250  # of a bar in one chunk; more are thinned, or a day's log would take a minute
#: A redraw between two others of a bar: not the first on its line, and not the last.
_SUPERSEDED = re.compile(rb"(?<!\n)\r[^\r\n]*(?=\r[^\r\n]{0,120}%\|)")


class LineFollower:
    """Follows one file of lines for one parser."""

    def __init__(
        self, path: Path, parse: Callable[[str], Reading | None], *, splits_on_cr: bool = False
    ) -> None:
        self._path = path
        self._parse = parse
        self._splits_on_cr = splits_on_cr
        self._forget()

    def _forget(self) -> None:
        self._offset = 0  # everything before it was handed to the parser or is held in `_torn`
        self._head = b""
        self._torn = b""
        self._cut = False  # the torn line is over length: what follows belongs to it and is dropped
        self._tried = b""

    def news(self) -> News:
        """Return the readings of all lines written since the last call."""
        restarted = self._offset > 0 and self._was_replaced()
        if restarted:
            self._forget()
        return News(self._readings(), restarted)

    def _was_replaced(self) -> bool:
        with open_regular(self._path) as file:
            if file is None:
                return False  # gone for now; it may come back as it was
            return file.size_bytes < self._offset or file.read_at(0, len(self._head)) != self._head

    def _readings(self) -> Iterator[Reading]:
        for chunk in self._chunks():
            for line in self._lines(chunk):
                yield from self._parsed(line)
        yield from self._unfinished()

    def _chunks(self) -> Iterator[bytes]:
        """Yield what lies between the offset and the present end, and move the offset along."""
        with open_regular(self._path) as file:
            while file is not None and self._offset < file.size_bytes:
                wanted = min(CHUNK_BYTES, file.size_bytes - self._offset)
                chunk = file.read_at(self._offset, wanted)
                if not chunk:
                    return
                self._head += chunk[: _HEAD_BYTES - len(self._head)]
                self._offset += len(chunk)
                yield chunk

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        if self._splits_on_cr:
            chunk = _thinned(chunk).replace(b"\r", b"\n")
        *complete, torn = chunk.split(b"\n")
        for part in complete:
            yield self._torn if self._cut else self._torn + part
            self._torn, self._cut = b"", False
        if not self._cut:
            self._torn += torn
        if len(self._torn) > LINE_BYTES:
            self._torn, self._cut = self._torn[:LINE_BYTES], True

    def _parsed(self, line: bytes) -> Iterator[Reading]:
        text = line[:LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
        reading = self._parse(text) if text.strip() else None
        if reading is not None:
            yield reading

    def _unfinished(self) -> Iterator[Reading]:
        """Try the last line although its end is missing: a bar is only ended by the next one.

        Only a line closed by a bracket is tried, because a number in it may be torn otherwise. It
        is read again when its end arrives, which tells the same.
        """
        closed = self._torn.rstrip().removesuffix(b"\x1b[0m").endswith((b"]", b"}"))
        if closed and not self._cut and self._torn != self._tried:
            self._tried = self._torn
            yield from self._parsed(self._torn)


def _thinned(chunk: bytes) -> bytes:
    """Return `chunk` without most redraws that another one follows; ended lines all stay."""
    redraws = chunk.count(b"\r")
    if redraws <= _REDRAWS:
        return chunk
    kept_each, number = redraws // _REDRAWS + 1, itertools.count()
    return _SUPERSEDED.sub(lambda found: b"" if next(number) % kept_each else found[0], chunk)
