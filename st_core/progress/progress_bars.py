"""Progress bars of tqdm in a log: what a bar says, and which of the many bars is the training.

A *demoted* bar is one whose name says that it is not training (loading, caching, validation, …);
it becomes a stage. A *preferred* bar's name says that it is. Among the others the one with the
largest total is believed, and once metrics came with it (it is *confirmed*) it is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .numbers import metrics_of, number
from .readings import Reading

# Anchored at the sign that no other text has: a search through a long line would be slow.
_SIGN = "%|"
_BAR = re.compile(
    r"%\|[^|\r\n]{0,400}\|\s*(?P<done>[\d.]+[kMGT]?)/(?P<total>[\d.]+[kMGT]?)\s*"
    r"\[(?P<elapsed>[\d:]+)<(?P<eta>[\d:?]+),\s*(?P<rate>[^,\]]{1,40})"
    r"(?:,\s*(?P<postfix>[^\]]{0,400}))?\]"
)
_NAME = re.compile(r"(?P<name>[^|%\]]{0,80}?)\d{1,3}$")
_DEMOTED = re.compile(
    r"(?i)load|writ|process|valid|^map\b|^filter\b|generat|fetch|download|caption|cach|eval|predict"
    r"|comput|encod|tokeniz|sampl|quantiz|upload|extract|discover|scan|shard|test|sanity|prepar"
)
_PREFERRED = re.compile(r"(?i)\bsteps?\b|train|epoch")
_STEPS = re.compile(r"(?i)step")
_EPOCHS = re.compile(r"(?i)epoch")
_EPOCH_OF = re.compile(r"(?i)\bepochs?\D{0,3}(?P<epoch>\d+)(?:\s*/\s*(?P<epochs>\d+))?")
_SCALES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_REACH = 84  # characters before the sign that hold the percentage and the bar's name


@dataclass(frozen=True)
class Bar:
    """One drawing of one bar; `rate` is steps per second, `postfix` the metrics after it."""

    name: str
    done: float
    total: float
    eta_seconds: float | None
    rate: float | None
    bytes_bar: bool
    postfix: dict[str, float]


def parse_bar(line: str) -> Bar | None:
    """Return the last bar drawn in `line` (without escape sequences), or None."""
    at = line.rfind(_SIGN)
    found = _BAR.match(line, at) if at > 0 else None
    before = _NAME.search(line[max(0, at - _REACH) : at]) if found else None
    if found is None or before is None:
        return None
    done, total = _scaled(found["done"]), _scaled(found["total"])
    if done is None or total is None:
        return None
    rate = found["rate"].strip()
    return Bar(
        name=before["name"].strip().rstrip(":").strip(),
        done=done,
        total=total,
        eta_seconds=clock_seconds(found["eta"]),
        rate=steps_per_second(rate),
        bytes_bar=rate.endswith("B/s"),
        postfix=parse_postfix(found["postfix"] or ""),
    )


def clock_seconds(text: str) -> float | None:
    """Return the seconds in `1:02:03` or `02:03`; None for `?`."""
    parts = text.split(":")
    if not all(part.isdigit() for part in parts):
        return None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return float(seconds)


def steps_per_second(text: str) -> float | None:
    """Return the pace in `2.00it/s` or `6.81s/it` as steps per second; None for `?it/s`."""
    found = re.match(r"([\d.]+)\s*(s/)?", text)
    pace = number(found[1]) if found else None
    if not found or not pace:
        return None
    return 1 / pace if found[2] else pace


def parse_postfix(text: str) -> dict[str, float]:
    """Return the metrics in `loss=0.102, lr=0.0001`, under our names."""
    pairs = (part.partition("=") for part in text.split(","))
    return metrics_of({name.strip(): value.strip() for name, sign, value in pairs if sign})


def _scaled(text: str) -> float | None:
    unit = _SCALES.get(text[-1])
    found = number(text[:-1] if unit else text)
    return None if found is None else found * (unit or 1.0)


class TrainingBars:
    """Chooses the bar that is the training and turns it into readings; remembers what it saw."""

    def __init__(self, chosen: str | None = None) -> None:
        """`chosen`, a regular expression for the bar's name, overrides the guessing.

        Raises re.error when `chosen` is not a regular expression.
        """
        self._chosen = re.compile(chosen) if chosen else None
        self._preferred_seen = False
        self._believed: Bar | None = None
        self._confirmed = False
        self._epochs_from_zero = False

    def read(self, line: str) -> Reading | None:
        """Return what the bar in `line` tells: progress if it is training, else a stage."""
        bar = parse_bar(line)
        if bar is None:
            return None
        if not self._is_training(bar):
            return Reading(stage=_stage(bar)) if bar.name else None
        return self._progress(bar)

    def confirm(self) -> None:
        """Note that metrics of training came while the present bar was drawn."""
        self._confirmed = self._believed is not None

    def _is_training(self, bar: Bar) -> bool:
        if self._chosen is not None:
            return bool(self._chosen.search(bar.name))
        if bar.bytes_bar or (bar.name and _DEMOTED.search(bar.name)):
            return False
        if _PREFERRED.search(bar.name):
            self._preferred_seen = True
            return True
        return not self._preferred_seen and self._believes(bar)

    def _believes(self, bar: Bar) -> bool:
        held = self._believed
        same = held is not None and (held.name, held.total) == (bar.name, bar.total)
        finished = held is not None and held.done >= held.total and not self._confirmed
        if held is not None and not same and not finished and bar.total <= held.total:
            return False
        self._confirmed = bool(bar.postfix) or (self._confirmed and same)
        self._believed = bar
        return True

    def _progress(self, bar: Bar) -> Reading:
        counted = self._counted(bar)
        if not bar.done:
            # A bar at 0 only announces itself: a resumed run draws it, then jumps to its step.
            return replace(counted, step=None)
        pace = {"steps_per_second": round(bar.rate, 6)} if bar.rate and counted.step else {}
        return replace(counted, metrics={**pace, **bar.postfix})

    def _counted(self, bar: Bar) -> Reading:
        """Return what the bar counts: steps, epochs, or the steps of one epoch."""
        found = _EPOCH_OF.search(bar.name)
        epoch = number(found["epoch"]) if found else None
        epochs = number(found["epochs"]) if found else None
        done, total = int(bar.done), int(bar.total)
        if _STEPS.search(bar.name) or not _EPOCHS.search(bar.name):
            return Reading(done, total or None, epoch, epochs, bar.eta_seconds)
        if epoch is None:
            return Reading(epoch=done, epochs=total or None, eta_seconds=bar.eta_seconds)
        self._epochs_from_zero = self._epochs_from_zero or epoch == 0
        before = int(epoch) if self._epochs_from_zero else int(epoch) - 1
        whole_run = int(epochs) * total if epochs else None
        return Reading(before * total + done, whole_run, epoch, epochs)


def _stage(bar: Bar) -> str:
    percent = f" {100 * bar.done / bar.total:.0f} %" if bar.total else ""
    return f"{bar.name}{percent}"
