"""TensorBoard's event files, read with the extra `tensorboard`; without it they are skipped.

Several files may lie below one folder, one per attempt or per group of names. A point is put at its
step; a later one at the same step replaces it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .numbers import metrics_of
from .readings import News, Reading, Source

_FILES = "**/events.out.tfevents.*"


def is_available() -> bool:
    """Tell whether the extra is installed."""
    return importlib.util.find_spec("tensorboard") is not None


def tensorboard_folder(path: str) -> Source:
    """Return the source for all event files below the folder `path`, even if it appears later."""
    return Source(path, follow=TensorBoardFollower)


class TensorBoardFollower:
    """Follows the event files below a folder; each is read on from where it was left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaders: dict[Path, Any] = {}

    def news(self) -> News:
        """Return what was written since the last call; nothing without the extra."""
        return News(self._readings() if is_available() else ())

    def _readings(self) -> Iterator[Reading]:
        for path in sorted(self._folder.glob(_FILES)):
            if path not in self._loaders and path.is_file() and not path.is_symlink():
                self._loaders[path] = _loader(path)
        for loader in self._loaders.values():
            for event in loader.Load():
                metrics = metrics_of(dict(_scalars(event)))
                if metrics:
                    # Its own event, so that a second file of lower steps is not a step back.
                    yield Reading(event.step, metrics=metrics, event="scalars", at=event.wall_time)


def _loader(path: Path) -> Any:
    # Imported here because the extra is optional and takes seconds to import.
    from tensorboard.backend.event_processing import event_file_loader

    return event_file_loader.EventFileLoader(str(path))


def _scalars(event: Any) -> Iterator[tuple[str, float]]:
    from tensorboard.util import tensor_util

    for value in event.summary.value:
        if value.HasField("simple_value"):
            yield value.tag, value.simple_value
        elif value.HasField("tensor"):
            array = tensor_util.make_ndarray(value.tensor)
            if array.size == 1 and array.dtype.kind in "fiu":
                yield value.tag, float(array.reshape(-1)[0])
