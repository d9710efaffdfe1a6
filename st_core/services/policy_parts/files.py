"""Files of a tree: YAML read with the line of every value, and written so that it is read back
alike.

Read is a plain kind of YAML: numbers, true, false, null and texts mean what they look like, days
and `yes` are texts; aliases, tags and keys that stand twice are refused. One file holds one part
and is named for it (`levels.yaml`, `tests.yaml` for the cases); a single file of another name holds
everything, its keys are the parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import yaml

from ...errors import Malformed
from ...plugins import did_you_mean

TESTS = "tests"
MOST_BYTES = 1_000_000
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where something stands."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Tree:
    """What files say: documents by part, cases, and where each value stands."""

    documents: dict[str, Any] = field(default_factory=dict)
    tests: Any = None
    places: dict[Path, Place] = field(default_factory=dict)

    def place_of(self, path: Path) -> Place:
        """Return where a value stands, or what encloses it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place("the policy", 1))


@dataclass(frozen=True)
class Wrong:
    """One thing that does not fit, and where."""

    place: Place
    text: str


def malformed(found: list[Wrong]) -> Malformed:
    """Return the error that names everything that does not fit, each with its file and line."""
    shown = "\n".join(f"{each.place}: {each.text}" for each in found[:20])
    more = f"\nand {len(found) - 20} more" if len(found) > 20 else ""
    return Malformed(
        f"{shown}{more}",
        code="policy_malformed",
        fields=[{"path": str(each.place), "message": each.text} for each in found[:100]],
    )


def read(files: Mapping[str, str], parts: Mapping[str, Any]) -> Tree:
    """Return the tree that files say, by their names and contents.

    Raises Malformed naming file and line of what cannot be read, and of a part there is not.
    """
    tree = Tree()
    names = {name: PurePath(name).stem for name in files}
    whole = len(files) == 1 and not {*names.values()} & {*parts, TESTS}
    for name, text in files.items():
        value = _read_one(name, text, () if whole else (names[name],), tree)
        if not whole:
            _take(tree, names[name], value, parts)
            continue
        if not isinstance(value, dict):
            raise malformed([Wrong(Place(name, 1), "the keys of this file are parts of policy")])
        for key, document in value.items():
            _take(tree, key, document, parts)
    return tree


def write(documents: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> dict[str, str]:
    """Return the files of documents by part."""
    return {
        f"{name}.yaml": f"# {titles.get(name, name)}\n{dump(document)}"
        for name, document in documents.items()
    }


def dump(value: Any) -> str:
    """Return a value as YAML, in the order it has."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _take(tree: Tree, name: str, value: Any, parts: Mapping[str, Any]) -> None:
    """Put what a file or a key holds in its place. Raises Malformed for a part there is not."""
    if name == TESTS:
        tree.tests = value
    elif name in parts:
        tree.documents[name] = {} if value is None else value
    else:
        meant = did_you_mean(name, [*parts, TESTS])
        there = f"There is no part {name!r}.{meant} Parts are: {', '.join(parts)}, {TESTS}."
        raise malformed([Wrong(tree.place_of((name,)), there)])


# ── YAML ──────────────────────────────────────────────────────────────────────────────────────────


class _Refused(yaml.MarkedYAMLError):
    """Something in a file that is YAML and is not read here."""

    def __init__(self, problem: str, node: Any) -> None:
        super().__init__(problem=problem, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    """Composes nodes without aliases; its scalars mean what they look like."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node. Raises _Refused for an alias."""
        if self.check_event(yaml.AliasEvent):
            raise _Refused("aliases are not read here; write the value out", self.peek_event())
        return super().compose_node(parent, index)


for _kind, _look, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]{1,18}\.[0-9]{0,18}$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_look), _first)
_TAGS = {
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "map", "seq")
}


def _read_one(name: str, text: str, root: Path, tree: Tree) -> Any:
    """Return what a file says, and note where. Raises Malformed."""
    if len(text.encode()) > MOST_BYTES:
        raise malformed([Wrong(Place(name, 1), f"is longer than {MOST_BYTES:,} bytes")])
    tree.places[root] = Place(name, 1)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return None if node is None else _value(loader, node, root, name, tree.places)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1 if mark else 1)
        raise malformed([Wrong(place, str(error.problem or error))]) from error
    except yaml.YAMLError as error:  # a character that may not stand in YAML
        raise malformed([Wrong(Place(name, 1), str(error).replace("\n", " "))]) from error
    except RecursionError as error:
        raise malformed([Wrong(Place(name, 1), "is nested too deeply")]) from error


def _value(loader: Any, node: Any, path: Path, file: str, places: dict[Path, Place]) -> Any:
    """Return the value of a node, and note where it stands. Raises _Refused."""
    if node.tag not in _TAGS:
        raise _Refused(f"the tag {node.tag!r} is not read here", node)
    places.setdefault(path, Place(file, node.start_mark.line + 1))
    if isinstance(node, yaml.MappingNode):
        found = {}
        for key, item in _items(node):
            places[(*path, key.value)] = Place(file, key.start_mark.line + 1)
            found[key.value] = _value(loader, item, (*path, key.value), file, places)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, (*path, number), file, places)
            for number, item in enumerate(node.value)
        ]
    try:
        return loader.construct_object(node)
    except ValueError as error:
        raise _Refused(f"{node.value[:50]!r} is no such value", node) from error


def _items(node: yaml.MappingNode) -> Iterator[tuple[Any, Any]]:
    seen: set[str] = set()
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Refused("a key is a text here", key)
        if key.value in seen:
            raise _Refused(f"{key.value!r} stands here twice", key)
        seen.add(key.value)
        yield key, item
