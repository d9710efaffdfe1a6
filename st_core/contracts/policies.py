"""Policies: what governs submissions, as documents and pure decisions.

A *policy* is one plugin's part of the rules (approval rules, ceilings, budgets, access rules). Its
*document* is all that an admin set, as JSON with natural keys (names, slugs), without ids. Its
*facts* are the figures a decision needs beyond what was *asked* (usage, counts). A *finding* is
what one rule says. `decide` is a pure function of the three: the same code answers a submission, a
dry run, a question about the past, and one about a document that is not in force yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

#: What was asked, as `services.decisions.asked` writes it: plain JSON values.
Asked = Mapping[str, Any]
#: Figures by name, plain JSON values; money as text with a decimal point.
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What one rule says of one submission.

    `effect` is allow, deny, block, warn, notify or require_approval. A `shadow` finding is recorded
    and changes nothing. `details` holds what the plugin needs to act on it, as plain JSON values.
    """

    rule: str
    effect: str
    text: str
    shadow: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Policy(Protocol):
    """One part of what governs submissions. `schema` is the pydantic model of the document."""

    name: str
    title: str
    schema: type[BaseModel]

    def document(self) -> dict[str, Any]:
        """Return what is in force now; reads the database, equal settings give equal documents."""

    def facts(self, document: Mapping[str, Any], asked: Asked, at: datetime) -> dict[str, Any]:
        """Return the figures that `document` needs about what was asked, as they stood at `at`."""

    def decide(self, document: Mapping[str, Any], asked: Asked, facts: Facts) -> Sequence[Finding]:
        """Return what the rules say, the deciding one first. Pure: no database, no clock."""

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make the database say what `document` says, with an event for each change.

        Raises SetTimeRule when the document contradicts itself or the server."""
