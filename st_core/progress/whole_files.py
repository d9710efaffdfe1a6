"""Follows a file that is replaced as a whole: a manifest, or the newest of many saved states."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from .readings import Follower, News, Reading, Source
from .regular_files import read_regular

LIMIT_BYTES = 32 << 20


class WholeFileFollower:
    """Reads the newest match of a glob anew when it changed, which voids what it told before."""

    def __init__(self, pattern: Path, parse: Callable[[str], Iterable[Reading]]) -> None:
        self._pattern = pattern
        self._parse = parse
        self._seen: tuple[str, int, int] | None = None

    def news(self) -> News:
        """Return what the file tells, if it is not the one read last; nothing while it is torn."""
        newest = self._newest()
        if newest is None or newest[1:] == self._seen:
            return News(())
        content = read_regular(newest[0], LIMIT_BYTES)
        readings = list(self._parse((content or b"").decode("utf-8", "replace")))
        if not readings:
            return News(())
        self._seen = newest[1:]
        return News(readings, restarted=True)

    def _newest(self) -> tuple[Path, str, int, int] | None:
        candidates = []
        for path in self._matches():
            try:
                status = path.stat()
            except OSError:
                continue
            candidates.append((status.st_mtime_ns, str(path), status.st_size, path))
        if not candidates:
            return None
        changed, name, size, path = max(candidates)
        return path, name, changed, size

    def _matches(self) -> Iterable[Path]:
        if "*" not in str(self._pattern):
            return [self._pattern]
        return sorted(self._pattern.parent.parent.glob("/".join(self._pattern.parts[-2:])))


def whole_file(path: str, parse: Callable[[str], Iterable[Reading]]) -> Source:
    """Return the source for `path`; its last two parts may be globs (`checkpoint-*/a.json`)."""

    def follow(place: Path) -> Follower:
        return WholeFileFollower(place, parse)

    return Source(path, follow=follow)
