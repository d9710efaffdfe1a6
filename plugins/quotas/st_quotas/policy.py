"""Quotas as a policy: their document, the figures they need, and the pure decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from st_core.contracts import Asked, Capability, Facts, Finding
from st_core.services import registries

from . import ceilings, replacing, rows, usage
from .kinds import KINDS, Measure, plain


def _as_text(value: Any) -> Any:
    """Take a number for its text, as people write one in a file."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _shortest(text: str) -> str:
    """Return the text of a number as it is kept: 100, not 100.00."""
    return plain(Decimal(text))


Limit = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=r"^\d{1,12}(\.\d{1,6})?$"),
    AfterValidator(_shortest),
]


class CeilingDocument(BaseModel):
    """One ceiling as it is written. `name` is a user name, a level's name, `org/team`, an
    organisation's slug, or empty for everybody; `limit` is a number in text."""

    model_config = ConfigDict(extra="forbid")

    scope: Literal["user", "level", "team", "org", "global"]
    name: str = Field("", max_length=110)
    type: Literal[tuple(KINDS)]  # type: ignore[valid-type]
    limit: Limit
    action: Literal["block", "warn", "notify", "require_approval"] = "block"
    mode: Literal["enforce", "shadow"] = "enforce"


class QuotaDocument(BaseModel):
    """Every ceiling, in order of scope, name and type."""

    model_config = ConfigDict(extra="forbid")

    ceilings: list[CeilingDocument] = []


class QuotaPolicy:
    """How much people, teams and organisations may use."""

    name = "quotas"
    title = "Quotas"
    schema: type[BaseModel] = QuotaDocument

    def document(self) -> dict[str, Any]:
        """Return every ceiling, in order of scope, name and type."""
        found = [described(row) for row in rows.everything()]
        return {"ceilings": sorted(found, key=lambda c: (c["scope"], c["name"], c["type"]))}

    def facts(self, document: Mapping[str, Any], asked: Asked, at: datetime) -> dict[str, Any]:
        """Return what the person, the team and the organisation used at `at`, as far as a ceiling
        counts it."""
        counting = ceilings.applying(ceilings.of_document(document), asked)
        used: dict[str, dict[str, str]] = {}
        for one in counting:
            subject = asked[f"{one.counted}_id"]
            amount = usage.used(one.kind, one.counted, subject, at)
            used.setdefault(one.counted, {})[one.type] = plain(round(amount, 6))
        facts: dict[str, Any] = {"used": used} if used else {}
        if any(one.kind.measure is Measure.LOCAL_GPUS for one in counting):
            facts["local"] = is_local(asked["provider"])
        return facts

    def decide(self, document: Mapping[str, Any], asked: Asked, facts: Facts) -> Sequence[Finding]:
        """Return a finding per ceiling that is reached or nearly reached."""
        return ceilings.decide(ceilings.of_document(document), asked, facts)

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make the ceilings those of `document`. Raises SetTimeRule for one that names
        nobody, is there twice, or is a team's above its organisation's."""
        replacing.replace_all(
            [{**row, "limit": Decimal(row["limit"])} for row in document["ceilings"]]
        )


def described(row: rows.Row) -> dict[str, Any]:
    """Return a ceiling as the document has it."""
    one = row.ceiling
    return {
        "scope": one.scope,
        "name": row.name,
        "type": one.quota_type,
        "limit": plain(one.limit_value),
        "action": one.action,
        "mode": one.mode,
    }


def is_local(provider: str) -> bool:
    """Tell whether a provider runs jobs on this machine."""
    found = registries.providers().get(provider)
    return found is not None and Capability.LOCAL_FILES in found.capabilities


POLICY = QuotaPolicy()
