"""Resource rules as a policy: its document, its decision, and how a document is put in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from st_core.contracts import Asked, Denial, Facts, Finding, Submission
from st_core.services import decisions

from . import deciding, rows
from .document import Document


class ResourceRules:
    """The policy `resource_rules`; it needs no figures."""

    name = "resource_rules"
    title = "Resource rules"
    schema: type[BaseModel] = Document
    #: Who may put a document in force: whoever may set single rules.
    permission = "admin.users"

    def document(self) -> dict[str, Any]:
        """Return every rule by name."""
        return {"rules": [rows.described(rule, levels) for rule, levels in rows.by_name()]}

    def facts(self, document: Mapping[str, Any], asked: Asked, at: datetime) -> dict[str, Any]:
        """Return nothing: rules look at what was asked alone."""
        return {}

    def decide(self, document: Mapping[str, Any], asked: Asked, facts: Facts) -> list[Finding]:
        """Return what the rules say."""
        return deciding.decide(document, asked)

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make the rules those of `document`."""
        rows.replace_all(Document.model_validate(document))


POLICY = ResourceRules()


def denials(submission: Submission) -> list[Denial]:
    """Return what the rules in force forbid of a submission."""
    return [
        Denial(finding.rule, finding.text)
        for finding in decisions.ask(POLICY, submission)
        if finding.effect == "deny"
    ]
