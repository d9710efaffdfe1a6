"""Whether a tree fits: each document against the schema of its part, with the line of whatever
does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from ...plugins import did_you_mean
from . import parts
from .files import Path, Tree, Wrong, malformed

Schema = Mapping[str, Any]


def documents(tree: Tree) -> dict[str, dict[str, Any]]:
    """Return the complete documents of a tree, in the order in which they are applied.

    Raises Malformed naming file and line of everything that does not fit.
    """
    wrong: list[Wrong] = []
    found: dict[str, dict[str, Any]] = {}
    for name, part in parts.known().items():
        if name not in tree.documents:
            continue
        problems = check(tree, part.schema, (name,), tree.documents[name])
        wrong += problems
        if not problems:
            found[name] = parts.complete(part, tree.documents[name])
    if wrong:
        raise malformed(wrong)
    return found


def check(tree: Tree, model: type[BaseModel], root: Path, value: Any) -> list[Wrong]:
    """Return what does not fit a model, by where it stands; nothing when all does."""
    unknown = list(_unknown(model.model_json_schema(), root, value))
    found = [Wrong(tree.place_of(path), text) for path, text in unknown]
    try:
        model.model_validate(value)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False):
            if one["type"] == "extra_forbidden":
                continue  # told already, with what was meant
            path = (*root, *one["loc"])
            place = tree.place_of(path)
            found.append(Wrong(place, f"{_spelt(path)}: {one['msg']}"))
    return sorted(found, key=lambda each: (each.place.file, each.place.line))


def _unknown(schema: Schema, root: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Yield each key that the schema does not know, with the one that may have been meant."""
    definitions = schema.get("$defs", {})

    def walk(options: list[Schema], path: Path, value: Any) -> Iterator[tuple[Path, str]]:
        options = list(_resolved(options, definitions))
        if isinstance(value, list):
            items = [one["items"] for one in options if isinstance(one.get("items"), Mapping)]
            for number, item in enumerate(value):
                yield from walk(items, (*path, number), item)
        if not isinstance(value, dict):
            return
        fields = [one["properties"] for one in options if "properties" in one]
        free = [one["additionalProperties"] for one in options if one.get("additionalProperties")]
        known = {name for each in fields for name in each}
        for name, item in value.items():
            below = [each[name] for each in fields if name in each]
            below += [one for one in free if isinstance(one, Mapping)]
            if fields and not free and name not in known:
                text = f"unknown key {name!r}.{did_you_mean(name, known)}"
                yield (*path, name), f"{_spelt(path)}: {text}"
            else:
                yield from walk(below, (*path, name), item)

    yield from walk([schema], root, value)


def _resolved(options: list[Schema], definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield what the options of a schema come down to, references followed."""
    for one in options:
        if "$ref" in one:
            yield from _resolved([definitions[one["$ref"].rsplit("/", 1)[-1]]], definitions)
        for kind in ("anyOf", "oneOf", "allOf"):
            if kind in one:
                yield from _resolved(list(one[kind]), definitions)
        yield one


def _spelt(path: Path) -> str:
    """Return a path as people write it: rules[2].pattern."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")
