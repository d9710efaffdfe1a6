"""The parts there are, and what a part's document says whatever the order and form it is written
in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from .. import decisions
from .levels import LevelsPart
from .orgs import OrgsPart

#: Who may put a part in force that says nothing about it.
MAY = "admin.config"
#: Below these keys stands what an admin likes, where the order of a list may mean something.
FREE = frozenset({"settings"})


class Part(Protocol):
    """One document of the tree."""

    name: str
    title: str
    schema: type[BaseModel]

    def document(self) -> dict[str, Any]:
        """Return what is in force."""

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: put a document in force."""


def known() -> dict[str, Part]:
    """Return every part by name, in the order in which they are applied: the core's first, for
    plugins name levels, organisations and teams."""
    found: dict[str, Part] = {part.name: part for part in (LevelsPart(), OrgsPart())}
    return found | dict(decisions.policies())


def right_for(part: Part) -> str:
    """Return the permission that puts a part in force; `*` is an administrator's."""
    return str(getattr(part, "permission", MAY))


def in_force(part: Part) -> dict[str, Any]:
    """Return a part's document as it stands, in the form in which documents are compared."""
    return comparable(complete(part, part.document()))


def complete(part: Part, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its defaults, as plain JSON values, in the order it has.

    Raises pydantic's ValidationError when it does not fit the part.
    """
    return part.schema.model_validate(dict(document)).model_dump(mode="json", by_alias=True)


def comparable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a complete document with its lists in one order: what governs is a set of rules."""
    ordered: dict[str, Any] = _ordered(document)
    return ordered


def digest(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the SHA-256 (hex) of complete documents by part, the same whatever their order."""
    return decisions.digest(comparable(documents))


def _ordered(value: Any) -> Any:
    """Return a value whose lists are in one order, but for those that an admin may mean so."""
    if isinstance(value, dict):
        return {name: item if name in FREE else _ordered(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
