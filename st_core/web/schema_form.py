"""From a trainer's JSON schema to the groups of fields a form shows.

The schema is pydantic's: `title`, `description`, bounds, defaults, and in `json_schema_extra`
the `unit` and the `group` of a field. A field left empty is not written, so the trainer's
default holds. Values travel as JSON texts; `kind` tells the page's script how to read the
control back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .formats import between, sentence

Schema = Mapping[str, Any]
GENERAL = "General"
_KINDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "switch"}


@dataclass(frozen=True)
class Field:
    """One control. `kind` is text, integer, number, switch, select, list or json; `path` is the
    dotted key.

    `text` is what the control holds, empty when the config does not set the key; `default` shows
    what then holds.
    """

    path: str
    label: str
    kind: str
    text: str = ""
    default: str = ""
    help: str = ""
    unit: str = ""
    item: str = "text"
    options: tuple[str, ...] = ()
    values: str = "[]"
    required: bool = False
    is_set: bool = False
    checked: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def id(self) -> str:
        """Return the control's id on the page."""
        return "f-" + self.path.replace(".", "-")

    @property
    def bounds(self) -> str:
        """Return what values are allowed, in words: 1 to 64."""
        return between(self.minimum, self.maximum)

    @property
    def size(self) -> int:
        """Return the width of a short control in characters, 0 for one that takes the line."""
        return 12 if self.kind in ("integer", "number") else 0


@dataclass(frozen=True)
class Group:
    """Fields that belong together, under one heading."""

    title: str
    fields: tuple[Field, ...]


def groups(schema: Schema, data: Mapping[str, Any]) -> list[Group]:
    """Return the form for `schema` filled with `data`, groups in the order they first appear."""
    collected: dict[str, list[Field]] = {}
    for group, field in _fields(schema, schema, data, prefix="", group=GENERAL):
        collected.setdefault(group, []).append(field)
    return [Group(title, tuple(fields)) for title, fields in collected.items()]


def other_keys(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of `data` that `schema` does not name; the form keeps them as JSON."""
    known = schema.get("properties", {})
    return {key: value for key, value in data.items() if key not in known}


def takes_other_keys(schema: Schema) -> bool:
    """Tell whether the trainer accepts keys beyond its schema."""
    return bool(schema.get("additionalProperties", False))


def _fields(
    root: Schema, schema: Schema, data: Mapping[str, Any], *, prefix: str, group: str
) -> Iterator[tuple[str, Field]]:
    required = set(schema.get("required", ()))
    for name, raw in schema.get("properties", {}).items():
        spec = _resolved(root, raw)
        path, title = f"{prefix}{name}", spec.get("group") or group
        inner = data.get(name)
        if spec.get("properties") and isinstance(inner, Mapping | None):
            heading = spec.get("group") or spec.get("title") or _words(name)
            yield from _fields(root, spec, inner or {}, prefix=f"{path}.", group=heading)
            continue
        yield title, _field(path, name, spec, data, name in required)


def _field(path: str, name: str, spec: Schema, data: Mapping[str, Any], required: bool) -> Field:
    kind, item = _kind(spec)
    is_set, default = name in data, spec.get("default")
    value = data[name] if is_set else None
    minimum = spec.get("minimum", spec.get("exclusiveMinimum"))
    maximum = spec.get("maximum", spec.get("exclusiveMaximum"))
    return Field(
        path=path,
        label=spec.get("title") or _words(name),
        kind=kind,
        text=_text(kind, value),
        default=_text(kind, default),
        help=sentence(spec.get("description", "")),
        unit=spec.get("unit", ""),
        item=item,
        options=tuple(_text("text", option) for option in _choices(spec)),
        values=json.dumps(_choices(spec)),
        required=required,
        is_set=is_set,
        checked=bool(value if is_set else default),
        minimum=minimum,
        maximum=maximum,
    )


def _resolved(root: Schema, spec: Schema) -> Schema:
    """Follow `$ref` and unwrap `X or null`; what stands beside them wins."""
    merged = dict(spec)
    while True:
        if "$ref" in merged:
            target: Schema = root
            for part in merged.pop("$ref").removeprefix("#/").split("/"):
                target = target[part]
            merged = {**target, **merged}
        elif choices := [one for one in merged.get("anyOf", ()) if one.get("type") != "null"]:
            merged.pop("anyOf")
            if len(choices) > 1:
                return {**merged, "anyOf": choices}
            merged = {**choices[0], **merged}
        elif len(merged.get("allOf", ())) == 1:
            merged = {**merged.pop("allOf")[0], **merged}
        else:
            return merged


def _kind(spec: Schema) -> tuple[str, str]:
    """Return the control's kind, and for a list the kind of its items."""
    if "enum" in spec or "const" in spec:
        return "select", "text"
    if spec.get("type") == "array":
        item = _KINDS.get(spec.get("items", {}).get("type", ""), "json")
        return ("list", item) if item in ("text", "integer", "number") else ("json", "json")
    if choices := spec.get("anyOf"):
        kinds = {_KINDS.get(one.get("type", ""), "json") for one in choices}
        if kinds <= {"integer", "number"}:
            return "number", "text"
        return ("text", "text") if kinds == {"text"} else ("json", "json")
    return _KINDS.get(spec.get("type", ""), "json"), "text"


def _choices(spec: Schema) -> list[Any]:
    return [spec["const"]] if "const" in spec else list(spec.get("enum", ()))


def _text(kind: str, value: Any) -> str:
    """Write a value as its control shows it."""
    if value is None:
        return ""
    if kind == "list" and isinstance(value, list):
        return ", ".join(_text("text", item) for item in value)
    if isinstance(value, str) and kind != "json":
        return value
    return json.dumps(value, ensure_ascii=False, indent=2 if kind == "json" else None)


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()
