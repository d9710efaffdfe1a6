"""Icons of the bootstrap-icons sprite that ships in Bootstrap-Flask's wheel: no font.

Those of the frame around every page (`FRAME`) lie in one file that browsers keep. A page defines
each other symbol it uses once, at its end, and refers to it where it stands; a table of fifty rows
then carries its icons in a few bytes. Beside a word an icon is hidden from screen readers; alone it
has a name.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

import flask_bootstrap
from flask import Blueprint, Response, g, has_app_context, has_request_context, url_for
from markupsafe import Markup

from ..api.routing import ALWAYS, page

SPRITE = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/icons/bootstrap-icons.svg"
YEAR_SECONDS = 31_536_000
HIDDEN = Markup('aria-hidden="true"')
SYMBOL = re.compile(r'<symbol[^>]*viewBox="([^"]+)" id="([^"]+)">(.*?)</symbol>')


#: Icons of the sidebar, the head and the dialogs, on every page.
FRAME = (
    "bar-chart",
    "bar-chart-steps",
    "box-arrow-in-right",
    "box-arrow-right",
    "caret-down-fill",
    "chevron-expand",
    "circle-half",
    "clock-history",
    "diagram-3",
    "file-earmark-code",
    "flag",
    "gpu-card",
    "heart-pulse",
    "hourglass-split",
    "journal-text",
    "key",
    "list",
    "list-task",
    "people",
    "person",
    "person-check",
    "plug",
    "question-circle",
    "search",
    "shield-lock",
    "signpost-2",
    "signpost-split",
    "sliders2",
    "speedometer2",
)


@lru_cache(maxsize=1)
def _symbols() -> dict[str, tuple[str, str]]:
    text = SPRITE.read_text(encoding="utf-8")
    return {found[2]: (found[1], found[3]) for found in SYMBOL.finditer(text)}


def _used() -> dict[str, None]:
    """Return the names this page has used so far, in order."""
    if not has_app_context():
        return {}
    return g.setdefault("icons", {})


def icon(name: str, cls: str = "", label: str | None = None) -> Markup:
    """Return one icon. With `label` it stands alone and is read out. Raises KeyError for an unknown
    name.
    """
    _symbols()[name]
    spoken = Markup('role="img" aria-label="{}"').format(label) if label else HIDDEN
    drawn = Markup('<svg class="{}" {}><use href="{}#i-{}"/></svg>')
    return drawn.format(f"icon {cls}".strip(), spoken, _place(name), name)


def _place(name: str) -> str:
    """Return the address of the file with the symbol, "" for this page, which then defines it."""
    if name in FRAME and has_request_context():
        return url_for("web.frame_icons", version=_version())
    _used()[name] = None
    return ""


def mount(blueprint: Blueprint) -> None:
    """Serve the file with the icons of the frame from `blueprint`."""

    @page(blueprint, "/static/core/<version>/frame.svg", permission=ALWAYS)
    def frame_icons(version: str) -> Response:
        answer = Response(_frame(), mimetype="image/svg+xml")
        if version == _version():
            answer.cache_control.public = True
            answer.cache_control.max_age = YEAR_SECONDS
            answer.cache_control.immutable = True
        return answer


@lru_cache(maxsize=1)
def _frame() -> str:
    drawn = Markup("").join(map(_symbol, FRAME))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{drawn}</svg>'


@lru_cache(maxsize=1)
def _version() -> str:
    return hashlib.sha256(_frame().encode()).hexdigest()[:12]


def sprite() -> Markup:
    """Return the symbols this page used, for its end. Call it after all else was rendered."""
    return Markup("").join(_symbol(name) for name in sorted(_used()))


@lru_cache(maxsize=256)
def _symbol(name: str) -> Markup:
    box, body = _symbols()[name]
    drawing = Markup(body)  # noqa: S704 - out of the wheel's own sprite
    return Markup('<symbol id="i-{}" viewBox="{}">{}</symbol>').format(name, box, drawing)


def keep(*names: str) -> str:
    """Put icons into this page's sprite that only its scripts use."""
    for name in names:
        _symbols()[name]
        _used()[name] = None
    return ""
