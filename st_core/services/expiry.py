"""What has run out is cleaned up: sessions, each with its event, and counters of tries."""

from __future__ import annotations

from . import sessions, throttles


def run() -> None:
    """Command: delete what has expired."""
    sessions.purge()
    throttles.purge()
