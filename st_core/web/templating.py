"""What every template finds: where it is looked up, and the functions and filters it may use.

Lookup order: the site's own overrides in the state folder, the core's templates, the plugins'
(each below its own name). `core:jobs/list.html` and `<plugin>:<plugin>/panel.html` name the
originals, for overrides that extend them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType

from flask import Flask, g
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader
from markupsafe import Markup

from ..clock import iso
from ..config import resource_dir
from ..errors import PluginError
from . import assets, charts, formats, icons, words

MARK = Markup(
    '<svg viewBox="0 0 22 22" aria-hidden="true" fill="none" stroke="currentColor" '
    'stroke-width="2" stroke-linecap="round">'
    '<path d="M3 5v12M8.3 5v12M13.6 5v12M19 5v12" opacity=".35"/>'
    '<path d="M3 13v1M8.3 8v1M13.6 11v1M19 6v1" stroke-width="4.5"/></svg>'
)
FILTERS: dict[str, Callable[..., object]] = {
    "ago": formats.ago,
    "clock": formats.clock,
    "date": formats.date,
    "duration": formats.duration,
    "exact": formats.exact,
    "figure": formats.figure,
    "file_size": formats.file_size,
    "iso": iso,
    "memory": formats.memory,
    "money": formats.money,
    "number": formats.number,
    "percent": formats.percent,
    "plural": formats.plural,
    "with_code": formats.with_code,
}

#: How a moment may be shown.
MOMENTS: dict[str, Callable[[datetime], str]] = {
    "ago": formats.ago,
    "clock": formats.clock,
    "date": formats.date,
    "exact": formats.exact,
}


def install(app: Flask, state_dir: Path, plugins: Mapping[str, ModuleType]) -> None:
    """Give `app` its templates' lookup, functions and filters. Raises PluginError for a misplaced
    template.
    """
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    app.jinja_loader = loader(state_dir, plugins)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        icon=icons.icon,
        keep_icons=icons.keep,
        sprite=icons.sprite,
        asset=assets.url,
        mark=MARK,
        STATES=words.STATES,
        GATES=words.GATES,
        OUTCOMES=words.OUTCOMES,
        moment=moment,
        spark=charts.spark,
        request_id=request_id,
    )


def loader(state_dir: Path, plugins: Mapping[str, ModuleType]) -> BaseLoader:
    """Return the lookup described at the top of this module."""
    core = FileSystemLoader(resource_dir("templates"))
    own = {name: FileSystemLoader(folder) for name, folder in _folders(plugins).items()}
    originals: dict[str, BaseLoader] = {"core": core, **own}
    site = FileSystemLoader(state_dir / "templates")
    return ChoiceLoader([site, core, *own.values(), PrefixLoader(originals, delimiter=":")])


def _folders(plugins: Mapping[str, ModuleType]) -> dict[str, Path]:
    """Return each plugin's template folder, checked to hold nothing but the folder named like the
    plugin.
    """
    folders = {}
    for name, module in plugins.items():
        folder = Path(module.__file__).parent / "templates" if module.__file__ else None
        if folder is None or not folder.is_dir():
            continue
        if stray := [entry.name for entry in folder.iterdir() if entry.name != name]:
            raise PluginError(
                f"{name} keeps templates outside its own folder: {', '.join(sorted(stray))}. "
                f"Move them below templates/{name}/."
            )
        folders[name] = folder
    return folders


def moment(at: datetime | None, show: str = "ago") -> Markup:
    """Return a `<time>`: relative, with the exact moment on hover. Scripts put it in the reader's
    time zone.

    `show` is ago, clock (time of day), date or exact. None reads "unknown".
    """
    if at is None:
        return Markup("unknown")
    text = MOMENTS[show](at)
    return Markup('<time datetime="{}" title="{}" data-show="{}">{}</time>').format(
        iso(at), formats.exact(at), show, text
    )


def request_id() -> str:
    """Return the id under which the log tells of this request; macros need it, too."""
    return str(g.get("st_request_id", ""))
