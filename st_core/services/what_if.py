"""What a changed policy would have done: each submission of the recent past, decided again under
another document.

What the other policies said stays as it was recorded. What the changed one must know is asked as of
the moment of each submission; where that differs from what was recorded, or nothing was, the answer
counts as *reconstructed*. What an earlier refusal would have left free for later ones is not played
through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select

from ..clock import now
from ..contracts import Policy, Viewer
from ..db import db
from ..errors import Malformed
from ..models import Decision
from . import decision_record, decisions, outcomes, permissions
from .decision_record import plain

#: Decisions that one question looks at, the newest first; examples it names.
MOST_DECISIONS = 1000
MOST_EXAMPLES = 25
MAY = "admin.config"
NOT_PLAYED = (
    "What an earlier refusal would have left free for later submissions is not played through."
)


@dataclass
class Tally:
    """How many submissions would have come out otherwise, and what they were expected to cost."""

    refused: int = 0
    asked: int = 0
    admitted: int = 0
    refused_usd: Decimal = Decimal(0)
    asked_usd: Decimal = Decimal(0)
    admitted_usd: Decimal = Decimal(0)

    def count(self, outcome: str, usd: Decimal) -> None:
        """Count one in."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        name = f"{outcome}_usd"
        setattr(self, name, getattr(self, name) + usd)


@dataclass(frozen=True)
class Otherwise:
    """A submission that would have come out otherwise; `text` is what decides."""

    decision_id: int
    job_id: int | None
    user: str
    before: str
    after: str
    text: str
    usd: Decimal | None


@dataclass
class Hindsight:
    """What another document would have done. `is_capped` says that older submissions were left out;
    `reconstructed` counts those whose figures had to be worked out, `unpriced` those otherwise
    decided whose price nobody knew."""

    policy: str
    days: int
    considered: int = 0
    changed: int = 0
    is_capped: bool = False
    reconstructed: int = 0
    unpriced: int = 0
    total: Tally = field(default_factory=Tally)
    people: dict[str, Tally] = field(default_factory=dict)
    examples: list[Otherwise] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ask(viewer: Viewer, policy: str, document: Mapping[str, Any], days: int) -> Hindsight:
    """Return what `document` would have done over the last days.

    Raises NotAllowed without `admin.config`, Malformed for a policy nobody knows or a document that
    does not fit it.
    """
    permissions.require(viewer, MAY)
    decision_record.require_known(policy)
    one = decisions.policies()[policy]
    return _over_history(one, checked(one, document), days)


def checked(policy: Policy, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its defaults. Raises Malformed with the fields that do not fit."""
    try:
        return policy.schema.model_validate(dict(document)).model_dump(mode="json")
    except ValidationError as error:
        fields = [
            {
                "path": ".".join(["document", *(str(part) for part in problem["loc"])]),
                "message": problem["msg"],
            }
            for problem in error.errors(include_url=False, include_context=False)
        ]
        first = fields[0]
        raise Malformed(
            f"The document of {policy.name} does not fit: {first['path']}: {first['message']}.",
            fields=fields,
        ) from error


def _over_history(policy: Policy, document: Mapping[str, Any], days: int) -> Hindsight:
    found = Hindsight(policy.name, days, notes=[NOT_PLAYED])
    since = now() - timedelta(days=days)
    query = select(Decision).where(Decision.at >= since).order_by(Decision.id.desc())
    rows = db.session.scalars(query.limit(MOST_DECISIONS + 1)).all()
    found.is_capped = len(rows) > MOST_DECISIONS
    for row in rows[:MOST_DECISIONS]:
        _consider(found, policy, document, row)
    if found.is_capped:
        found.notes.append(f"Only the last {MOST_DECISIONS} submissions were looked at.")
    if found.reconstructed:
        found.notes.append(
            f"{found.reconstructed} submissions were decided from figures worked out afterwards."
        )
    if found.unpriced:
        found.notes.append(f"{found.unpriced} of those decided otherwise had no known price.")
    return found


def _consider(found: Hindsight, policy: Policy, document: Mapping[str, Any], row: Decision) -> None:
    """Count one submission of the past in."""
    recorded = next((one for one in row.answers if one["policy"] == policy.name), None)
    facts = policy.facts(document, row.asked, row.at)
    said = [asdict(finding) for finding in policy.decide(document, row.asked, facts)]
    found.considered += 1
    found.reconstructed += recorded is None or plain(facts) != plain(recorded["facts"])
    after = outcomes.harshest(_without(policy.name, row), outcomes.of(said, row.asked))
    if after == row.outcome:
        return
    found.changed += 1
    usd = row.asked.get("estimate_usd")
    found.unpriced += usd is None
    price, user = Decimal(usd or 0), row.asked["user"]
    found.total.count(after, price)
    found.people.setdefault(user, Tally()).count(after, price)
    if len(found.examples) < MOST_EXAMPLES:
        text = deciding(said) or f"No rule of {policy.title} would have objected."
        found.examples.append(
            Otherwise(
                row.id, row.job_id, user, row.outcome, after, text, None if usd is None else price
            )
        )


def _without(policy: str, row: Decision) -> str:
    """Return what came of a submission by everything else than one policy, as far as the record
    tells."""
    others: list[Mapping[str, Any]] = []
    mine: list[Mapping[str, Any]] = []
    for answer in row.answers:
        (mine if answer["policy"] == policy else others).extend(answer["findings"])
    by_others = outcomes.of(others, row.asked)
    explained = outcomes.harshest(by_others, outcomes.of(mine, row.asked))
    return by_others if explained == row.outcome else row.outcome


def deciding(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence of the finding that decides, empty when none objects."""
    acting = [one for one in findings if not one.get("shadow")]
    for effects in (outcomes.REFUSES, {outcomes.ASKS}):
        for one in acting:
            if one["effect"] in effects:
                return str(one["text"])
    return ""


def ranking(found: Hindsight) -> list[tuple[str, Tally]]:
    """Return the people it would have touched, those with most submissions first."""
    counted = Counter(
        {name: one.refused + one.asked + one.admitted for name, one in found.people.items()}
    )
    return [(name, found.people[name]) for name, _ in counted.most_common()]
