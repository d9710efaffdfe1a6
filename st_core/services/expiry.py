"""What has run out is cleaned up: sessions, each with its event, counters of tries, links."""

from __future__ import annotations

from . import one_time_links, sessions, throttles


def run() -> None:
    """Command: delete what has expired."""
    sessions.purge()
    throttles.purge()
    one_time_links.purge()
