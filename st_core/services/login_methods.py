"""The ways in that plugins offer beside the password of an account here."""

from __future__ import annotations

import logging

from ..contracts import LoginMethod
from ..plugins import current_plugins

log = logging.getLogger(__name__)


def every() -> list[LoginMethod]:
    """Return every way in plugins offer; a plugin that fails is logged and left out."""
    plugins = current_plugins()
    found: list[LoginMethod] = []
    for name in plugins.implementers("st_login_methods"):
        try:
            found += plugins.call(name, "st_login_methods") or ()
        except Exception:
            log.exception("hook st_login_methods of %s failed", name)
    return found
