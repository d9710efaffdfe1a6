"""What has run out is cleaned up: sessions, each with its event, counters of tries, links."""

from __future__ import annotations

import logging

from ..plugins import current_plugins
from . import one_time_links, sessions, throttles

log = logging.getLogger(__name__)


def run() -> None:
    """Command: delete what has expired."""
    sessions.purge()
    throttles.purge()
    one_time_links.purge()


def ask_plugins() -> None:
    """Let every plugin delete its rows that are past their time; one that fails stops no other."""
    plugins = current_plugins()
    for name in plugins.implementers("st_purge"):
        try:
            gone = plugins.call(name, "st_purge", dry_run=False)
            log.debug("%s deleted %d rows that were past their time", name, gone)
        except Exception:
            log.exception("hook st_purge of %s failed", name)
