"""Periods of cost limits: when the one that counts began, and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

DAYS = {"daily": 1, "weekly": 7, "monthly": 30}
WINDOWS = ("rolling", "calendar")


def begin(period: str, window: str, at: datetime) -> datetime:
    """Return when the period that counts at `at` began. Calendar days, weeks (from Monday) and
    months are those of UTC."""
    if window == "rolling":
        return at - timedelta(days=DAYS[period])
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "monthly" else day


def end(period: str, window: str, at: datetime) -> datetime:
    """Return when it ends; a rolling one is looked at as far ahead as it is long."""
    if window == "rolling":
        return at + timedelta(days=DAYS[period])
    first = begin(period, window, at)
    if period == "monthly":
        return (first + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=DAYS[period])
