"""Lines of a trainer's log: bars, Hugging Face dicts, and patterns a profile names.

A *pattern* is a regular expression whose named groups are step, total, epoch, epochs, stage,
checkpoint (a path), or any metric's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .numbers import ALIASES, metrics_of, number, whole
from .progress_bars import TrainingBars
from .readings import Reading
from .trainer_dicts import parse_trainer_dict

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_PLACES = frozenset({"step", "total", "epoch", "epochs", "stage", "checkpoint"})


def plain(line: str) -> str:
    """Return `line` without terminal escape sequences."""
    return _ESCAPE.sub("", line) if "\x1b" in line else line


class LogLines:
    """A parser for one log, to be handed to one source; it remembers which bar is the training."""

    def __init__(
        self,
        *,
        bars: bool = True,
        dicts: bool = True,
        training_bar: str | None = None,
        patterns: Sequence[str] = (),
        stages: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """`stages` maps a text that a line contains to the stage it announces.

        Raises re.error when `training_bar` or one of `patterns` is not a regular expression.
        """
        self._bars = TrainingBars(training_bar) if bars else None
        self._dicts = dicts
        self._step: int | None = None
        self._unplaced: dict[str, float] = {}
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._stages = dict(stages or {})
        own = {key.lower(): name for key, name in (aliases or {}).items()}
        self._aliases = {**ALIASES, **own} if own else None

    def __call__(self, line: str) -> Reading | None:
        """Return what one line tells, or None when it tells nothing."""
        line = plain(line)
        found = self._bar(line)
        for pattern in self._patterns:
            found = _joined(found, self._match(pattern, line))
        if self._dicts and "{'" in line:
            found = _joined(found, self._dict(line))
        if found is None:
            stage = next((name for text, name in self._stages.items() if text in line), None)
            return Reading(stage=stage) if stage else None
        if self._aliases is None:
            return found
        return replace(found, metrics=metrics_of(found.metrics, self._aliases))

    def _bar(self, line: str) -> Reading | None:
        found = self._bars.read(line) if self._bars and "%|" in line else None
        if found is None or found.step is None:
            return found
        self._step = found.step
        if not self._unplaced:
            return found
        metrics, self._unplaced = {**found.metrics, **self._unplaced}, {}
        return replace(found, metrics=metrics)

    def _dict(self, line: str) -> Reading | None:
        """Return the metrics of a dict line; their point waits for the next bar.

        The bar before the line may be older: it is drawn ten times a second, and anew right after.
        """
        found = parse_trainer_dict(line)
        if found and found.metrics and self._bars and found.step is None:
            self._bars.confirm()
            self._unplaced = dict(found.metrics)
        return found

    def _match(self, pattern: re.Pattern[str], line: str) -> Reading | None:
        found = pattern.search(line)
        if found is None:
            return None
        groups = {name: text for name, text in found.groupdict().items() if text is not None}
        path = groups.get("checkpoint")
        return Reading(
            step=self._placed(whole(groups.get("step"))),
            total=whole(groups.get("total")),
            epoch=number(groups.get("epoch")),
            epochs=number(groups.get("epochs")),
            metrics=metrics_of(groups, skip=_PLACES),
            stage=groups.get("stage"),
            event="checkpoint" if path else None,
            path=path,
        )

    def _placed(self, step: int | None) -> int | None:
        self._step = self._step if step is None else step
        return self._step


def _joined(first: Reading | None, second: Reading | None) -> Reading | None:
    """Return both readings in one; where both say something, the second counts."""
    if first is None or second is None:
        return first or second
    said = {name: value for name, value in vars(second).items() if value is not None}
    return replace(first, **said | {"metrics": {**first.metrics, **second.metrics}})
