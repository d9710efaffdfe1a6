"""Reference tables in Markdown, made from the code they describe: hooks and settings.

The command line's own reference is in `st_core.cli.reference`; `docs_blocks` puts all of them into
the docs.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, get_args, get_origin

from . import hookspecs
from .config import Settings
from .contracts import Setting

LABELS = ("When", "Given", "Answer", "Rules", "Used by")
LIFE = ("startup", "submission", "running", "facts", "pages", "operations")


def markdown_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; line ends and pipes in cells are made harmless."""
    lines = [heading, ["---"] * len(heading), *rows]
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


# ── hooks ────────────────────────────────────────────────────────────────────────────────


def hook_names() -> dict[str, list[str]]:
    """Return the hooks of each module of `hookspecs` by its title, in the order of a job's life."""
    hooks = [getattr(hookspecs, name) for name in hookspecs.__all__]
    modules = sorted({hook.__module__ for hook in hooks}, key=_life)
    return {
        _title(module): [
            hook.__name__
            for hook in sorted(hooks, key=lambda hook: hook.__code__.co_firstlineno)
            if hook.__module__ == module
        ]
        for module in modules
    }


def _life(module: str) -> tuple[int, str]:
    """Order modules of hooks as a job meets them; one that nobody placed comes last."""
    name = module.rpartition(".")[2]
    return (LIFE.index(name) if name in LIFE else len(LIFE), name)


def _title(module: str) -> str:
    """Return the word before the colon in a module's docstring: what its hooks are about."""
    doc = sys.modules[module].__doc__ or module
    return doc.partition(":")[0].strip()


def hook_parts(name: str) -> dict[str, str]:
    """Return a hook's docstring as its summary and the text behind each of the five labels."""
    doc = inspect.getdoc(getattr(hookspecs, name)) or ""
    pattern = rf"^({'|'.join(LABELS)}):\s*"
    summary, *rest = re.split(pattern, doc, flags=re.MULTILINE)
    parts = {
        label: " ".join(text.split()) for label, text in zip(rest[::2], rest[1::2], strict=True)
    }
    return {"summary": " ".join(summary.split()), **parts}


def hooks_markdown() -> str:
    """Return a table for each module of hooks: what they do, when, what to answer, the rules."""
    heading = ("hook", "what it does", "when", "answer", "rules", "used by")
    sections = []
    for title, names in hook_names().items():
        rows = [_hook_row(name) for name in names]
        sections.append(f"**{title}**\n\n{markdown_table(heading, rows)}")
    return "\n\n".join(sections)


def _hook_row(name: str) -> list[str]:
    parts = hook_parts(name)
    arguments = ", ".join(inspect.signature(getattr(hookspecs, name)).parameters)
    rest = [parts.get(label, "") for label in ("When", "Answer", "Rules", "Used by")]
    return [f"`{name}({arguments})`", parts["summary"], *rest]


# ── settings ────────────────────────────────────────────────────────────────────────────────


def settings_markdown(settings: Settings, owner: str | None = None) -> str:
    """Return the declared settings of `owner` (core or a plugin), of everyone when not named."""
    declared = settings.declared.items()
    mine = [item for key, item in declared if owner in (None, settings.owners[key])]
    heading = ("setting", "type", "default", "what it does", "environment", "changed in the UI")
    return markdown_table(heading, (_setting_row(setting) for setting in mine))


def _setting_row(setting: Setting) -> list[str]:
    unit = f" {setting.unit}" if setting.unit else ""
    return [
        f"`{setting.key}`",
        type_name(setting.type) + _bounds(setting),
        "" if setting.default is None else f"`{_plain(setting.default)}`{unit}",
        setting.help + (" Secret." if setting.secret else ""),
        f"`{setting.env}`" if setting.env else "",
        "yes" if setting.editable else "",
    ]


def _bounds(setting: Setting) -> str:
    low, high = setting.minimum, setting.maximum
    if low is None and high is None:
        return ""
    if high is None:
        return f", from {low:g}"
    return f", up to {high:g}" if low is None else f", {low:g} to {high:g}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)


def type_name(kind: Any) -> str:
    """Return a type as people write it: `int`, `list of str`, `int or nothing`."""
    if kind is type(None):
        return "nothing"
    if get_origin(kind) is Annotated:
        return type_name(get_args(kind)[0])
    if get_origin(kind) is list:
        return f"list of {type_name(get_args(kind)[0])}"
    if isinstance(kind, types.UnionType) or (
        len(get_args(kind)) > 1 and get_origin(kind) is not dict
    ):
        return " or ".join(_each_name(get_args(kind)))
    return getattr(get_origin(kind) or kind, "__name__", str(kind))


def _each_name(kinds: Iterable[Any]) -> Iterator[str]:
    for kind in kinds:
        yield type_name(kind) if isinstance(kind, type) or get_origin(kind) else repr(kind)
