"""The settings as a page shows them: by owner, each with its value, where that is from, and a
control where it may be changed.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin

from ...services import settings
from .. import formats

SOURCES = {
    "environment": "environment",
    "file": "configuration file",
    "stored": "changed here",
    "default": "default",
}


@dataclass(frozen=True)
class Line:
    """One setting; `kind` is text, integer, number, switch, json or secret when it can be
    changed."""

    key: str
    help: str
    unit: str
    shown: str
    default: str
    source: str
    env: str
    editable: bool
    kind: str
    is_optional: bool
    checked: bool
    bounds: str


@dataclass(frozen=True)
class Owner:
    """The settings of the core or of one plugin."""

    name: str
    title: str
    lines: tuple[Line, ...]


def owners(rows: Sequence[Mapping[str, Any]]) -> list[Owner]:
    """Return the settings by owner, the core's first."""
    names = dict.fromkeys(row["owner"] for row in rows)
    ordered = sorted(names, key=lambda name: (name != "core", name))
    return [
        Owner(
            name,
            "Server" if name == "core" else name,
            tuple(_line(row) for row in rows if row["owner"] == name),
        )
        for name in ordered
    ]


def _line(row: Mapping[str, Any]) -> Line:
    kind, optional = _kind(settings.view().declared[row["key"]].type)
    return Line(
        key=row["key"],
        help=row["help"],
        unit=row["unit"],
        shown=_secret(row) if row["secret"] else _shown(row["value"]),
        default=_shown(row["default"]),
        source=SOURCES[row["source"]],
        env=row["env"] or "",
        editable=row["editable"],
        kind="secret" if row["secret"] else kind,
        is_optional=optional,
        checked=row["value"] is True,
        bounds=formats.between(row["minimum"], row["maximum"]),
    )


def _kind(type_: Any) -> tuple[str, bool]:
    """Return the control for a type, and whether it may be left empty."""
    if get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    parts = get_args(type_) if isinstance(type_, types.UnionType) else (type_,)
    optional = type(None) in parts
    main = next(part for part in parts if part is not type(None))
    known = {bool: "switch", int: "integer", float: "number", Decimal: "number", str: "text"}
    kind = known.get(main, "json" if get_origin(main) or main in (list, dict) else "text")
    return kind, optional


def _secret(row: Mapping[str, Any]) -> str:
    return f"set, fingerprint {row['fingerprint']}" if row["is_set"] else ""


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, default=str)
    return f"{value:g}" if isinstance(value, float) else str(value)
