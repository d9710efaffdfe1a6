"""Where plugins add panels to the core's pages: the core draws the frame, the plugin its body.

A plugin's body sees exactly the context it declared. One that cannot be drawn says so in its own
panel and harms nothing else on the page.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from flask import current_app
from markupsafe import Markup

from ..contracts import Section, Viewer
from ..plugins import current_plugins

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Panel:
    """One plugin's section, drawn. `failed` panels have no body."""

    title: str
    plugin: str
    column: str
    order: int
    body: Markup
    failed: bool = False


def panels(page: str, viewer: Viewer, subject: Any) -> list[Panel]:
    """Return the plugins' sections for `page`, drawn, in their order."""
    found = current_plugins().page_sections(page, viewer, subject)
    return [_drawn(plugin, section, page) for plugin, section in found]


def _drawn(plugin: str, section: Section, page: str) -> Panel:
    frame = (section.title, plugin, section.column, section.order)
    try:
        template = current_app.jinja_env.get_template(section.template)
        return Panel(*frame, Markup(template.render(**section.context)))  # noqa: S704 - autoescaped
    except Exception:
        log.exception("section %r of %s on page %s could not be drawn", section.title, plugin, page)
        return Panel(*frame, Markup(""), failed=True)
