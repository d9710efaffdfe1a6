"""One reader per workspace and process, so that pollers and pages read a file only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from .reader import Reader
from .readings import Source


class ReaderCache:
    """Holds the `capacity` readers used last; an evicted one is simply read anew."""

    def __init__(self, capacity: int = 64) -> None:
        self._capacity = capacity
        self._readers: OrderedDict[tuple[Path, tuple[str, ...]], Reader] = OrderedDict()
        self._lock = threading.Lock()

    def reader(self, workspace: Path, sources: Sequence[Source]) -> Reader:
        """Return the reader of these sources; the first call's parsers are the ones that count."""
        key = (workspace, tuple(source.path for source in sources))
        with self._lock:
            found = self._readers.pop(key, None) or Reader(workspace, sources)
            self._readers[key] = found
            while len(self._readers) > self._capacity:
                self._readers.popitem(last=False)
        return found

    def forget(self, workspace: Path) -> None:
        """Drop what is held for `workspace`, as its folder is about to be removed."""
        with self._lock:
            for key in [key for key in self._readers if key[0] == workspace]:
                del self._readers[key]


#: The cache that pollers and pages of this process share.
readers = ReaderCache()
