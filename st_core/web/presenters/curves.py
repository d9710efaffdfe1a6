"""Curves of a job: loss first, then the learning rate, then whatever else the trainer told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...models import Attempt
from .. import charts, formats

#: How well-known metrics are called; others by their own name.
TITLES = {
    "loss": "Loss",
    "val_loss": "Validation loss",
    "learning_rate": "Learning rate",
    "grad_norm": "Gradient norm",
    "steps_per_second": "Steps per second",
    "seconds_per_step": "Seconds per step",
    "epoch": "Epoch",
}
SMOOTHING = (0.0, 0.6, 0.9)
DEFAULT_SMOOTHING = 0.6
MOST = 12
FIRST = ("loss", "val_loss", "learning_rate")

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class View:
    """How curves are drawn: `smoothing` of the loss from 0 to below 1, its scale, and the step
    that the axis reaches at least.
    """

    smoothing: float = DEFAULT_SMOOTHING
    log: bool = False
    last_step: int = 0


@dataclass(frozen=True)
class Curve:
    """One drawn curve with its last value; `has_raw` when a smoothed one lies over the raw one."""

    name: str
    title: str
    last: str
    note: str
    drawing: Markup
    has_raw: bool


@dataclass(frozen=True)
class Switch:
    """A choice of how to draw: a link, so that it works without scripts and can be shared."""

    word: str
    url: str
    on: bool


@dataclass(frozen=True)
class Figures:
    """A metric in numbers, for those who cannot see the curve."""

    name: str
    title: str
    first: str
    last: str
    low: str
    high: str
    points: str


def ordered(series: Mapping[str, Points]) -> list[str]:
    """Return the names of metrics, the important ones first."""
    return [n for n in FIRST if series.get(n)] + sorted(
        n for n in series if n not in FIRST and series[n]
    )


def curves(
    series: Mapping[str, Points],
    names: Sequence[str],
    view: View,
    size: tuple[int, int] = (390, 190),
) -> list[Curve]:
    """Return one drawing per metric that has at least two points."""
    return [
        _curve(name, series[name], view, size) for name in names if len(series.get(name, ())) > 1
    ]


def figures(series: Mapping[str, Points]) -> list[Figures]:
    """Return every metric in numbers."""
    return [_figures(name, [value for _, value in series[name]]) for name in ordered(series)]


def switches(view: View, url: Callable[[float, bool], str]) -> dict[str, list[Switch]]:
    """Return links that change how curves are drawn; `url` makes one of smoothing and scale."""
    return {
        "smoothing": [Switch(f"{s:g}", url(s, view.log), s == view.smoothing) for s in SMOOTHING],
        "scale": [
            Switch("Linear", url(view.smoothing, False), not view.log),
            Switch("Log", url(view.smoothing, True), view.log),
        ],
    }


def repeated(attempts: Sequence[Attempt]) -> str:
    """Say which steps were run twice, so that nobody takes the newer curve for the only one."""
    again = [one for one in attempts[1:] if one.resume_from]
    if not again:
        return ""
    steps = ", ".join(one.resume_from.rsplit("/", 1)[-1] for one in again if one.resume_from)
    return (
        f"Attempt {again[-1].number} went on from {steps}; "
        "steps that were run twice show the later run."
    )


def title(name: str) -> str:
    """Return what a metric is called."""
    return TITLES.get(name, name.replace("_", " ").capitalize())


def _is_loss(name: str) -> bool:
    return "loss" in name


def _curve(name: str, points: Points, view: View, size: tuple[int, int]) -> Curve:
    kept = [points[i] for i in charts.thin(len(points))]
    steps, raw = [step for step, _ in kept], [value for _, value in kept]
    smoothed = charts.smooth([value for _, value in points], view.smoothing)
    series: list[charts.Series] = [("raw", raw)]
    has_raw = _is_loss(name) and view.smoothing > 0 and len(points) > 2
    last = points[-1][1]
    if has_raw:
        series.append(
            (f"smoothed {view.smoothing:g}", [smoothed[i] for i in charts.thin(len(points))])
        )
        last = smoothed[-1]
    first_step, last_step = points[0][0], points[-1][0]
    summary = (
        f"From {formats.figure(points[0][1])} at step {first_step:,} "
        f"to {formats.figure(last)} at step {last_step:,}"
    )
    drawing = charts.lines(
        f"{title(name)} by step",
        summary,
        steps,
        series,
        size=size,
        x_end=view.last_step,
        log=view.log and _is_loss(name),
        x_format=lambda step: f"{step:,.0f}",
        y_format=_tick,
    )
    note = (
        f"grey is every {'step told' if len(kept) == len(points) else 'few steps'}"
        if has_raw
        else ""
    )
    return Curve(name, title(name), formats.figure(last), note, drawing, has_raw)


def _tick(value: float) -> str:
    """Return a value of an axis as short as it can be said."""
    if value == 0:
        return "0"
    return formats.figure(value, 2) if abs(value) < 1e-3 else f"{value:,g}"


def _figures(name: str, values: Sequence[float]) -> Figures:
    return Figures(
        name=name,
        title=title(name),
        first=formats.figure(values[0]),
        last=formats.figure(values[-1]),
        low=formats.figure(min(values)),
        high=formats.figure(max(values)),
        points=formats.number(len(values)),
    )
