"""The only clock: every time in the product is UTC-aware and comes from here, so that tests can
move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_shift = timedelta(0)


def now() -> datetime:
    """Return the present moment in UTC, microsecond precision."""
    return datetime.now(UTC) + _shift


def iso(moment: datetime | None) -> str | None:
    """Return `moment` as ISO 8601 in UTC with a `Z`, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shift(by: timedelta) -> None:
    """Move the clock by `by` from real time; only the test kit calls this."""
    global _shift
    _shift = by
