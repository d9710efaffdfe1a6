"""The record of decisions: found again, and decided again from what was known then.

Words: a *difference* is a policy that now says something else of the same question, the same
document and the same facts than it said when the decision was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, select

from ..contracts import Viewer
from ..db import db
from ..errors import Malformed, NotFound
from ..models import Decision, PolicyDocument
from ..plugins import did_you_mean
from . import decisions, outcomes

#: Who may see everybody's; others see what was decided about their own submissions.
SEES_ALL = "admin.audit"
#: Rows of a whole replay that are held at a time.
BATCH = 200


@dataclass(frozen=True)
class Wanted:
    """Which decisions; None lets everything pass. `policy` names one that was asked."""

    job_id: int | None = None
    user_id: int | None = None
    outcome: str | None = None
    policy: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """Decisions, the newest first, and the number the next page begins before, None on the
    last."""

    rows: Sequence[Decision]
    older: int | None


@dataclass(frozen=True)
class Difference:
    """What one policy said then and says now of the same; `text` is the sentence about it."""

    policy: str
    text: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True)
class Replay:
    """A decision made again: the outcome the policies give, and the differences, none when it is
    the same."""

    decision_id: int
    outcome: str
    differences: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """Tell whether it came out as it was recorded."""
        return not self.differences


def page(viewer: Viewer, wanted: Wanted, *, limit: int, before: int | None = None) -> Page:
    """Return decisions the viewer may see. Raises Malformed for an outcome or policy nobody
    knows."""
    query = select(Decision).where(*_criteria(wanted), *_within(viewer))
    if before is not None:
        query = query.where(Decision.id < before)
    rows = db.session.scalars(query.order_by(Decision.id.desc()).limit(limit + 1)).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def get(viewer: Viewer, number: int) -> Decision:
    """Return one decision. Raises NotFound when there is none or the viewer may not see it."""
    query = select(Decision).where(Decision.id == number, *_within(viewer))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound(f"there is no decision {number} that you may see", code="decision_not_found")
    return found


def documents(row: Decision) -> dict[str, Mapping[str, Any]]:
    """Return the documents that decided, by the name of their policy; a lost one is left out."""
    wanted = {answer["policy"]: answer["digest"] for answer in row.answers}
    query = select(PolicyDocument).where(PolicyDocument.digest.in_(wanted.values()))
    found = {kept.digest: kept.document for kept in db.session.scalars(query)}
    return {name: found[digest] for name, digest in wanted.items() if digest in found}


def replay(row: Decision) -> Replay:
    """Decide again from the record: the same question, documents and facts, today's code."""
    kept, differences, said = documents(row), [], []
    for answer in row.answers:
        again = _again(row, answer, kept.get(answer["policy"]))
        if isinstance(again, Difference):
            differences.append(again)
            continue
        said += again
        if plain(again) != plain(answer["findings"]):
            text = f"{answer['policy']} says something else now of the same facts."
            differences.append(Difference(answer["policy"], text, answer["findings"], again))
    outcome = outcomes.of(said, row.asked)
    if not differences and outcomes.harshest(outcome, row.outcome) != row.outcome:
        text = f"Recorded as {row.outcome}, but the findings make it {outcome}."
        differences.append(Difference("outcome", text, row.outcome, outcome))
    return Replay(row.id, outcomes.harshest(outcome, row.outcome), tuple(differences))


def replay_all(since: datetime | None = None) -> Iterator[Replay]:
    """Yield every decision since a moment, decided again, the oldest first."""
    last = 0
    criteria = [] if since is None else [Decision.at >= since]
    while True:
        query = select(Decision).where(Decision.id > last, *criteria).order_by(Decision.id)
        rows = db.session.scalars(query.limit(BATCH)).all()
        if not rows:
            return
        yield from (replay(row) for row in rows)
        last = rows[-1].id
        db.session.expunge_all()


def plain(value: Any) -> Any:
    """Return a value as it is once it was written down and read again."""
    return json.loads(json.dumps(value))


def _again(
    row: Decision, answer: Mapping[str, Any], document: Mapping[str, Any] | None
) -> list[dict[str, Any]] | Difference:
    """Return what a policy says now, or why it cannot be asked."""
    name = answer["policy"]
    policy = decisions.policies().get(name)
    if policy is None:
        text = f"The policy {name} is not enabled any more; enable its plugin to ask it."
        return Difference(name, text, answer["findings"], None)
    if document is None:
        text = f"The document {answer['digest'][:12]} of {name} is not in the record."
        return Difference(name, text, answer["findings"], None)
    return [asdict(finding) for finding in policy.decide(document, row.asked, answer["facts"])]


def _within(viewer: Viewer) -> list[ColumnElement[bool]]:
    return [] if viewer.may(SEES_ALL) else [Decision.user_id == viewer.user_id]


def _criteria(wanted: Wanted) -> list[ColumnElement[bool]]:
    if wanted.outcome is not None and wanted.outcome not in outcomes.OUTCOMES:
        known = ", ".join(outcomes.OUTCOMES)
        raise Malformed(
            f"{wanted.outcome!r} is no outcome. There are: {known}.",
            fields=[{"path": "outcome", "message": "unknown"}],
        )
    found = [
        column == value
        for column, value in (
            (Decision.job_id, wanted.job_id),
            (Decision.user_id, wanted.user_id),
            (Decision.outcome, wanted.outcome),
        )
        if value is not None
    ]
    if wanted.since is not None:
        found.append(Decision.at >= wanted.since)
    if wanted.until is not None:
        found.append(Decision.at < wanted.until)
    if wanted.policy is not None:
        require_known(wanted.policy)
        found.append(cast(Decision.answers, Text).contains(f'"policy": "{wanted.policy}"'))
    return found


def require_known(policy: str) -> None:
    """Pass when a policy of this name is enabled. Raises Malformed listing those there are."""
    known = decisions.policies()
    if policy not in known:
        raise Malformed(
            f"no policy is named {policy!r}.{did_you_mean(policy, known)} "
            f"There are: {', '.join(known) or 'none; enable a plugin that brings one'}.",
            fields=[{"path": "policy", "message": "unknown"}],
        )
