"""The pages' one blueprint and the way a view answers: a template in the frame of sidebar and top
bar.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from . import assets, icons
from .navigation import Crumb, Page, current_shell

blueprint = Blueprint("web", __name__)
assets.mount(blueprint)
icons.mount(blueprint)


def render(template: str, page: Page, **view: Any) -> str:
    """Return a page in its frame."""
    return render_template(template, page=page, **view)


class _LazyShell:
    """The frame, asked for only by templates that draw it: an error page may need none."""

    def __getattr__(self, name: str) -> Any:
        return getattr(current_shell(), name)

    def __bool__(self) -> bool:
        return current_shell() is not None


@blueprint.app_context_processor
def _frame() -> dict[str, Any]:
    """Let every template know the frame."""
    return {"shell": _LazyShell()}


__all__ = ["Crumb", "Page", "blueprint", "render"]
