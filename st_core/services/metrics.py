"""Metrics: the families that plugins compute, gathered when somebody scrapes."""

from __future__ import annotations

import logging

from ..contracts import Metric
from ..plugins import current_plugins

log = logging.getLogger(__name__)


def families() -> list[Metric]:
    """Return every family in the order of the plugins; one that fails is logged and left out."""
    found: list[Metric] = []
    plugins = current_plugins()
    for name in plugins.implementers("st_metrics"):
        try:
            found += plugins.call(name, "st_metrics") or ()
        except Exception:
            log.exception("hook st_metrics of %s failed; its families are missing", name)
    return found
