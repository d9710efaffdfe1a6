"""What others ask of a running training: by a signal, or by a file in the control folder.

Files are `stop`, `checkpoint` and `sample`; each is deleted once it has been obeyed. A signal
counts as `stop`.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType

STOP, CHECKPOINT, SAMPLE = "stop", "checkpoint", "sample"
REQUESTS = (STOP, CHECKPOINT, SAMPLE)

_signals: list[int] = []


def take_signals() -> None:
    """From now on SIGTERM and SIGINT (Ctrl-Break on Windows) are noted, not obeyed at once."""
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _note)


def _note(number: int, _frame: FrameType | None) -> None:
    _signals.append(number)


class Control:
    """The requests to one process of a run."""

    def __init__(self, folder: Path, begun_ns: int) -> None:
        """Forget requests from before `begun_ns` (a file's time of change), as they were meant for
        an earlier process; a younger one may have come while this one was starting.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in REQUESTS:
            with suppress(FileNotFoundError):
                if (folder / name).stat().st_mtime_ns < begun_ns:
                    self.obeyed(name)

    def asks(self, name: str) -> bool:
        """Tell whether `name` (one of REQUESTS) is asked for."""
        return (name == STOP and bool(_signals)) or (self.folder / name).exists()

    def obeyed(self, name: str) -> None:
        """Delete the file of a request that has been carried out."""
        (self.folder / name).unlink(missing_ok=True)

    def exit_code(self) -> int:
        """Return the exit code of a stop: 130 for SIGINT, 143 for SIGTERM and the file."""
        return 128 + (signal.SIGINT if _signals[:1] == [signal.SIGINT] else signal.SIGTERM)
