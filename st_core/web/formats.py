"""How figures, sizes, spans and moments read on pages: numbers before adjectives, every number with
its unit.

Sizes of files count in thousands (MB), memory in 1024s (the way GPUs are sold). Spans are
seconds. What is not known reads "unknown"; it is never 0 and never a dash.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup, escape

from ..clock import now

UNKNOWN = "unknown"
MINUTE, HOUR, DAY = 60, 3600, 86_400
FINE_SECONDS = 300  # below it minutes come with seconds


def number(value: float | Decimal | None, places: int = 0) -> str:
    """Return a figure with commas between thousands, rounded to `places`."""
    return UNKNOWN if value is None else f"{value:,.{places}f}"


def figure(value: float | None, digits: int = 3) -> str:
    """Return a measured value with `digits` significant digits: 0.0713, 2.20e-5, 1,480."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -3 or size > 6:
        mantissa, exponent = f"{value:.{max(digits - 2, 1)}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,.{max(digits - 1 - size, 0)}f}"


def percent(value: float | None, places: int = 0) -> str:
    """Return a share of 0 to 100 as 71.7%."""
    return UNKNOWN if value is None else f"{value:.{places}f}%"


def _scaled(size: float, base: int, units: tuple[str, ...]) -> str:
    place = 0
    while size >= base and place < len(units) - 1:
        size /= base
        place += 1
    whole = place == 0 or size >= 99.5
    return f"{size:.0f} {units[place]}" if whole else f"{size:.1f} {units[place]}"


def file_size(size_bytes: float | None) -> str:
    """Return the size of files in units of 1000: 164 MB, 7.9 kB."""
    if size_bytes is None:
        return UNKNOWN
    return _scaled(size_bytes, 1000, ("bytes", "kB", "MB", "GB", "TB"))


def memory(size_bytes: float | None) -> str:
    """Return memory in units of 1024, named as hardware is sold: 61.4 GB."""
    if size_bytes is None:
        return UNKNOWN
    return _scaled(size_bytes, 1024, ("bytes", "KB", "MB", "GB", "TB"))


def duration(seconds: float | None) -> str:
    """Return a span in its one or two largest units: 34 s, 1 min 54 s, 52 min, 1 h 58 min."""
    if seconds is None:
        return UNKNOWN
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < MINUTE - 0.5:
        return f"{seconds:.0f} s"
    if seconds < FINE_SECONDS:
        minutes, rest = divmod(round(seconds), MINUTE)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    if seconds < DAY:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(round(seconds / HOUR), 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


def money(amount_usd: Decimal | float | None, exact: bool = False) -> str:
    """Return dollars: $3.78 below 100, $212 from there on unless `exact`."""
    if amount_usd is None:
        return UNKNOWN
    return f"${amount_usd:,.0f}" if amount_usd >= 100 and not exact else f"${amount_usd:,.2f}"


def ago(moment: datetime | None) -> str:
    """Return how long ago `moment` was, as lists show it: 34 s ago, 4 min ago, 3 h ago, 19 Nov
    2026.
    """
    if moment is None:
        return UNKNOWN
    seconds = (now() - moment).total_seconds()
    if seconds < 5:
        return "just now"
    for limit, unit, word in ((MINUTE, 1, "s"), (HOUR, MINUTE, "min"), (DAY, HOUR, "h")):
        if seconds < limit:
            return f"{int(seconds // unit)} {word} ago"
    return f"{int(seconds // DAY)} d ago" if seconds < 14 * DAY else date(moment)


def date(moment: datetime) -> str:
    """Return the day of `moment` in UTC: 19 Nov 2026."""
    return f"{moment.day} {moment:%b %Y}"


def clock(moment: datetime) -> str:
    """Return the time of day of `moment` in UTC: 14:49 UTC."""
    return f"{moment:%H:%M} UTC"


def exact(moment: datetime) -> str:
    """Return `moment` to the second: 2026-11-23 11:42:08 UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def between(low: float | None, high: float | None) -> str:
    """Return what values are allowed, in words: 1 to 64. At least 1."""
    if low is not None and high is not None:
        return f"{plain(low)} to {plain(high)}."
    if low is not None:
        return f"At least {plain(low)}."
    return f"At most {plain(high)}." if high is not None else ""


def sentence(text: str) -> str:
    """Return `text` with a full stop, unless it ends with a mark of its own or is empty."""
    return text if not text or text[-1] in ".!?…:" else f"{text}."


def plain(value: float) -> str:
    """Return a number as people write it: 1,000,000, 0.9999, 1e-6."""
    if value == int(value):
        return f"{int(value):,}"
    text = f"{value:.10g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def with_code(text: str) -> Markup:
    """Return a text in which what stands between backticks is set as code."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a lonely backtick
        return escape(text)
    marked = [Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts)]
    return Markup("").join(marked)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return `count` with its noun: 1 job, 4 jobs."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
