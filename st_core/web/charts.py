"""Charts as inline SVG, drawn on the server with pygal, coloured by theme.css.

pygal writes its colours into a `<style>` inside the SVG. Pages here have a CSP without inline
styles and two colour modes, so a drawing leaves this module bare (classes only) and section 15
of theme.css paints it: series n has class `color-n`, which is the token `--st-s(n+1)`.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree as ET

from markupsafe import Markup

SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", SVG)
POINTS = 160  # a curve of half a page shows no more
COORDINATES = ("d", "transform", "x", "y", "width", "height", "x1", "x2", "y1", "y2")

Series = tuple[str, Sequence[float | None]]


@lru_cache(maxsize=1)
def _pygal() -> tuple[Any, dict[str, Any]]:
    """Import pygal when the first chart is drawn: it takes a fifth of a second that start-up does
    not have.
    """
    import pygal
    from pygal.style import Style

    # For plugins of its own pygal hooks into every import of the process, in a way Python 3.12
    # gave up; nobody here uses them.
    sys.meta_path[:] = [one for one in sys.meta_path if type(one) is not pygal.PluginImportFixer]
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="currentColor",
        foreground_strong="currentColor",
        foreground_subtle="currentColor",
        opacity="1",
        transition="0s",
        colors=tuple(f"var(--st-s{n})" for n in range(1, 7)),
        font_family="inherit",
        label_font_size=11,
        major_label_font_size=11,
        legend_font_size=11,
    )
    options = {
        "style": style,
        "css": [],
        "js": [],
        "disable_xml_declaration": True,
        "no_prefix": True,
        "show_legend": False,
        "margin": 4,
        "margin_bottom": 0,
        "margin_right": 10,
        "spacing": 8,
        "show_dots": False,
        "print_values": False,
        "show_y_guides": True,
        "show_x_guides": False,
        "truncate_label": -1,
    }
    return pygal, options


def lines(
    title: str,
    summary: str,
    x: Sequence[float],
    series: Sequence[Series],
    *,
    size: tuple[int, int] = (390, 190),
    log: bool = False,
    x_end: float = 0,
    x_format: Callable[[float], str] = str,
    y_format: Callable[[float], str] = str,
) -> Markup:
    """Draw curves over a shared x; a gap is None. `summary` says in words what the picture shows.

    The x axis reaches at least to `x_end`. With `log` the y axis is logarithmic and values that
    are not above zero are left out.
    """
    pygal, options = _pygal()
    shown = [(name, [_drawable(value, log) for value in values]) for name, values in series]
    values = [value for _, column in shown for value in column if value is not None]
    if not values or not x:
        return Markup("")
    y_ticks = log_ticks(min(values), max(values)) if log else ticks(min(*values, 0.0), max(values))
    chart = pygal.XY(
        width=size[0],
        height=size[1],
        logarithmic=log,
        range=(y_ticks[0], y_ticks[-1]),
        x_labels=ticks(min(x), max(*x, x_end)),
        y_labels=y_ticks,
        x_value_formatter=x_format,
        value_formatter=y_format,
        allow_interruptions=True,
        **options,
    )
    for name, column in shown:
        chart.add(name, list(zip(x, column, strict=True)))
    return bare(chart, title, summary)


def _drawable(value: float | None, log: bool) -> float | None:
    if value is None or not math.isfinite(value) or (log and value <= 0):
        return None
    return value


def bare(chart: Any, title: str, summary: str) -> Markup:
    """Render, drop what a strict CSP refuses, round coordinates, and say in words what the picture
    shows.
    """
    root = ET.fromstring(chart.render())  # noqa: S314 - our own drawing
    for parent in root.iter():
        for child in list(parent):
            tag = child.tag if isinstance(child.tag, str) else ""
            if tag.endswith(("}style", "}script", "}title", "}desc", "}defs")) or not tag:
                parent.remove(child)
        for name in [n for n in parent.attrib if n == "style" or n.startswith("on")]:
            del parent.attrib[name]
        for name in COORDINATES:
            if name in parent.attrib:
                parent.set(name, _rounded(parent.attrib[name]))
    for child in [c for c in root if "tooltip" in (c.get("class") or "")]:
        root.remove(child)
    root.set("role", "img")
    root.set("aria-label", f"{title}. {summary}")
    root.attrib.pop("id", None)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - built from parsed SVG


def _rounded(text: str) -> str:
    return re.sub(r"-?\d+\.\d{2,}", lambda found: f"{float(found[0]):.1f}", text)


def spark(
    values: Sequence[float],
    title: str,
    *,
    low: float | None = None,
    high: float | None = None,
    width: int = 88,
    height: int = 28,
) -> Markup:
    """Draw a sparkline, too small for a chart library: one path, one area, one name. Needs two
    values.
    """
    if len(values) < 2:
        return Markup("")
    low = min(values) if low is None else low
    high = max(values) if high is None else high
    step, span = width / (len(values) - 1), (high - low) or 1
    points = [
        f"{i * step:.1f} {height - 1 - (value - low) / span * (height - 2):.1f}"
        for i, value in enumerate(values)
    ]
    line = "L".join(points)
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" '
        'aria-label="{title}"><path class="area" d="M0 {h}L{line}L{w} {h}Z"/>'
        '<path d="M{line}"/></svg>'
    ).format(w=width, h=height, title=title, line=line)


def smooth(values: Sequence[float], weight: float) -> list[float]:
    """Return the exponential mean with bias correction, as other trackers draw it."""
    smoothed, mean = [], 0.0
    for count, value in enumerate(values, 1):
        mean = weight * mean + (1 - weight) * value
        smoothed.append(mean / (1 - weight**count))
    return smoothed


def thin(length: int, points: int = POINTS) -> list[int]:
    """Return at most `points` indexes of a curve of `length`, evenly spread, with the first and the
    last.
    """
    if length <= points:
        return list(range(length))
    return sorted({round(i * (length - 1) / (points - 1)) for i in range(points)})


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return about `count` round values from at or below `low` to at or above `high`."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten around `low` to `high`, with 2 and 5 between where few would remain."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if last - first <= 2 else (1,)
    # one power more on either side: a logarithm is rounded
    values = [f * 10.0**n for n in range(first - 1, last + 2) for f in factors]
    inside = [v for v in values if low <= v <= high]
    below = [v for v in values if v < low][-1:] if low not in inside or low == high else []
    above = [v for v in values if v > high][:1] if high not in inside else []
    return below + inside + above
