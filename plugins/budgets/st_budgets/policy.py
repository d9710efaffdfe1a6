"""Cost limits as a policy: their document, the figures they need, and the pure decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from st_core.contracts import Asked, Facts, Finding

from . import limits, periods, sums
from .limits import plain

WARN_AT = Decimal("0.8")


def _as_text(value: Any) -> Any:
    """Take a number for its text, as people write one in a file."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _kept(text: str) -> str:
    """Return the text of an amount as it is kept, so that 50 and 50.00 are the same."""
    return plain(Decimal(text))


Amount = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=r"^\d{1,12}(\.\d{1,6})?$"),
    AfterValidator(_kept),
]


class LimitDocument(BaseModel):
    """One limit as it is written: `name` is a provider's name, `org/team`, an organisation's slug,
    or empty for everybody; `amount_usd` is a number in text."""

    model_config = ConfigDict(extra="forbid")

    scope: Literal["provider", "team", "org", "global"]
    name: str = Field("", max_length=110)
    enabled: bool = True
    amount_usd: Amount
    period: Literal["daily", "weekly", "monthly"] = "monthly"
    window: Literal["rolling", "calendar"] = "rolling"
    action: Literal["warn", "block", "notify", "require_approval"] = "warn"
    mode: Literal["enforce", "shadow"] = "enforce"


class BudgetDocument(BaseModel):
    """Every cost limit, in order of scope and name."""

    model_config = ConfigDict(extra="forbid")

    limits: list[LimitDocument] = []


class BudgetPolicy:
    """How much providers, teams and organisations may cost."""

    name = "budgets"
    title = "Cost limits"
    schema: type[BaseModel] = BudgetDocument

    def document(self) -> dict[str, Any]:
        """Return every cost limit, in order of scope and name."""
        return {
            "limits": [
                {"scope": who.scope, "name": who.name, **limits.values(row)}
                for row, who in limits.everything()
            ]
        }

    def facts(self, document: Mapping[str, Any], asked: Asked, at: datetime) -> dict[str, Any]:
        """Return what was spent and held at `at` for each limit that counts."""
        counting = applying(document, asked)
        wanted = [
            (
                one["scope"],
                _key(one["scope"], asked),
                periods.begin(one["period"], one["window"], at),
            )
            for one in counting
        ]
        found = zip(counting, sums.of(wanted, at), strict=True)
        used = {
            label(one): {"spent": plain(use.spent_usd), "held": plain(use.held_usd)}
            for one, use in found
        }
        return {"used": used} if used else {}

    def decide(self, document: Mapping[str, Any], asked: Asked, facts: Facts) -> Sequence[Finding]:
        """Return a finding per limit that is reached, would be exceeded, or is nearly reached."""
        used = facts.get("used", {})
        estimate = Decimal(asked["estimate_usd"] or 0)
        found = [
            _finding(one, used[label(one)], estimate)
            for one in applying(document, asked)
            if label(one) in used
        ]
        acting = [finding for finding in found if finding is not None]
        return sorted(acting, key=lambda finding: finding.effect != "block")

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make the limits those of `document`. Raises SetTimeRule for one that names nobody
        or is there twice."""
        wanted = []
        for one in document["limits"]:
            given = {name: one[name] for name in limits.FIELDS}
            amount = Decimal(one["amount_usd"])
            wanted.append(
                (limits.whose(one["scope"], one["name"]), {**given, "amount_usd": amount})
            )
        limits.replace_all(wanted)


def applying(document: Mapping[str, Any], asked: Asked) -> list[Mapping[str, Any]]:
    """Return the limits that count for what was asked: those that are on and above 0."""
    return [
        one
        for one in document["limits"]
        if one["enabled"]
        and Decimal(one["amount_usd"]) > 0
        and (one["scope"] == "global" or asked.get(one["scope"]) == one["name"])
    ]


def label(one: Mapping[str, Any]) -> str:
    """Return how a limit is named in records: `cost_limit provider local_gpu`."""
    return f"cost_limit {one['scope']} {one['name']}".strip()


def _key(scope: str, asked: Asked) -> Any:
    if scope == "global":
        return None
    return asked["provider"] if scope == "provider" else asked[f"{scope}_id"]


def _finding(one: Mapping[str, Any], use: Mapping[str, str], estimate: Decimal) -> Finding | None:
    """Return what one limit says: its action when spent, held and the estimate together pass the
    amount or it was reached before; a warning from 80 percent on."""
    amount = Decimal(one["amount_usd"])
    before = Decimal(use["spent"]) + Decimal(use["held"])
    total = before + estimate
    reached = before >= amount or total > amount
    if not reached and total < amount * WARN_AT:
        return None
    word = {"team": "team", "org": "organisation", "provider": "provider"}.get(one["scope"])
    who = f"{word} {one['name']}" if word else "everybody"
    plus = f" and ${estimate:.2f} for this job" if estimate else ""
    text = (
        f"The {one['period']} cost limit of {who} is ${amount:.2f}: ${use['spent']} spent, "
        f"${use['held']} held{plus}."
    )
    return Finding(
        rule=label(one),
        effect=one["action"] if reached else "warn",
        text=text,
        shadow=one["mode"] == "shadow",
        details={
            "used": str(total),
            "amount": one["amount_usd"],
            "reached": reached,
            "stage": "exceeded" if total >= amount else "warning",
        },
    )


POLICY = BudgetPolicy()
