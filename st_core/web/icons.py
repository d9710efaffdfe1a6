"""Icons of the bootstrap-icons sprite that ships in Bootstrap-Flask's wheel: no font, no request.

A page defines each symbol it uses once, at its end, and refers to it where it stands; a table of
fifty rows then carries its icons in a few bytes. Beside a word an icon is hidden from screen
readers; alone it has a name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import flask_bootstrap
from flask import g, has_app_context
from markupsafe import Markup

SPRITE = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/icons/bootstrap-icons.svg"
HIDDEN = Markup('aria-hidden="true"')
SYMBOL = re.compile(r'<symbol[^>]*viewBox="([^"]+)" id="([^"]+)">(.*?)</symbol>')


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
    _used()[name] = None
    spoken = Markup('role="img" aria-label="{}"').format(label) if label else HIDDEN
    drawn = Markup('<svg class="{}" {}><use href="#i-{}"/></svg>')
    return drawn.format(f"icon {cls}".strip(), spoken, name)


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
