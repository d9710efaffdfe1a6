"""Policy tests: cases that stand beside the policy and must hold before it is put in force.

Words: a *case* is somebody and something (`given`), and what is to come of it (`expect`): admitted,
asked (people decide) or refused; `by` names rules that must be among those that say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from ...clock import now
from ...contracts import Finding, Policy
from ...db import db
from ...models import Org, Team, User
from .. import decisions, levels, outcomes
from .checking import check
from .files import TESTS, Tree, malformed

Right = Literal["job.bypass.approval", "job.bypass.queue", "job.bypass.quota"]
Word = Annotated[str, Field(max_length=200)]


class Given(BaseModel):
    """Somebody and what they submit. Whoever is named need not have an account."""

    model_config = ConfigDict(extra="forbid")

    user: Word = "somebody"
    levels: list[Word] = ["researcher"]
    org: Word | None = Field(None, description="Slug of an organisation.")
    team: Word | None = Field(None, description="org-slug/team-slug.")
    provider: Word = ""
    trainer: Word = ""
    hardware: Word | None = None
    gpu_count: int = Field(0, ge=0, le=100_000, strict=True)
    config_name: Word = ""
    output_path: str | None = Field(None, max_length=1000)
    time_limit_seconds: int | None = Field(None, ge=1, strict=True)
    estimate_usd: Decimal | None = Field(None, ge=0, le=10**9)
    estimate_seconds: float | None = Field(None, ge=0, le=10**9)
    bypasses: list[Right] = []


class Case(BaseModel):
    """One case. `facts` are figures by policy that count instead of the server's present ones."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    given: Given
    facts: dict[str, dict[str, Any]] = {}
    expect: Literal["admitted", "asked", "refused"]
    by: list[Word] = []


class Cases(BaseModel):
    """Every case of a tree."""

    model_config = ConfigDict(extra="forbid")

    tests: list[Case] = Field(max_length=10_000)


@dataclass(frozen=True)
class Result:
    """What came of one case; `text` says why it failed, or what decided."""

    name: str
    passed: bool
    outcome: str
    text: str


def of(tree: Tree) -> list[Case]:
    """Return the cases of a tree; a list alone will do. Raises Malformed with file and line."""
    if tree.tests is None:
        return []
    value = tree.tests
    if isinstance(value, dict):  # a file of its own begins with the word `tests`
        inside = Tree(tests=value, places=tree.places)
        if wrong := check(inside, Cases, (TESTS,), value):
            raise malformed(wrong)
        return Cases.model_validate(value).tests
    places = {(TESTS, *path): place for path, place in tree.places.items() if path[:1] == (TESTS,)}
    inside = Tree(places=tree.places | places)
    if wrong := check(inside, Cases, (TESTS,), {"tests": value}):
        raise malformed(wrong)
    return Cases.model_validate({"tests": value}).tests


def run(cases: Sequence[Case], documents: Mapping[str, Mapping[str, Any]]) -> list[Result]:
    """Return what comes of each case under `documents`; policies that are not among them are as
    they are in force. It writes nothing."""
    policies = decisions.policies()
    known = {name: documents.get(name) or policy.document() for name, policy in policies.items()}
    return [_result(case, policies, known) for case in cases]


def _result(
    case: Case, policies: Mapping[str, Policy], documents: Mapping[str, Mapping[str, Any]]
) -> Result:
    asked = _asked(case.given)
    try:
        found = list(_findings(case, policies, documents, asked))
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        text = f"cannot be decided, look at its facts: {type(error).__name__}: {error}"
        return Result(case.name, passed=False, outcome="unknown", text=text)
    outcome = outcomes.of(({"effect": each.effect} for each in found), asked)
    said = "; ".join(each.text for each in found if each.effect != "allow") or "no rule objects"
    missing = [rule for rule in case.by if rule not in {each.rule for each in found}]
    if outcome != case.expect:
        text = f"expected {case.expect}, was {outcome}: {said}"
        return Result(case.name, passed=False, outcome=outcome, text=text)
    if missing:
        text = f"{outcome}, but not by {', '.join(missing)}: {said}"
        return Result(case.name, passed=False, outcome=outcome, text=text)
    return Result(case.name, passed=True, outcome=outcome, text=said)


def _findings(
    case: Case,
    policies: Mapping[str, Policy],
    documents: Mapping[str, Mapping[str, Any]],
    asked: Mapping[str, Any],
) -> Iterator[Finding]:
    """Yield what every policy says, but for rules in shadow."""
    for name, policy in policies.items():
        facts = _over(policy.facts(documents[name], asked, now()), case.facts.get(name, {}))
        for finding in policy.decide(documents[name], asked, facts):
            if not finding.shadow:
                yield finding


def _over(known: Any, given: Any) -> Any:
    """Return figures with those that a case gives in their place."""
    if not isinstance(known, Mapping) or not isinstance(given, Mapping):
        return given
    changed = {n: _over(known[n], item) if n in known else item for n, item in given.items()}
    return {**known, **changed}


def _asked(given: Given) -> dict[str, Any]:
    """Return what is asked in the form that policies know."""
    ranks = levels.priorities()
    what = given.model_dump(mode="json")
    return {
        **what,
        "user_id": _user_id(given.user),
        "org_id": _org_id(given.org),
        "team_id": _team_id(given.team),
        "priority": max((ranks.get(name, 0) for name in given.levels), default=0),
        "again_of": None,
        "bypasses": sorted(given.bypasses),
    }


def _user_id(username: str) -> int:
    """Return the number of an account, 0 where there is none of this name."""
    query = select(User.id).where(func.lower(User.username) == username.lower())
    return db.session.scalar(query) or 0


def _org_id(slug: str | None) -> int | None:
    return db.session.scalar(select(Org.id).where(Org.slug == slug)) if slug else None


def _team_id(path: str | None) -> int | None:
    org, _, team = (path or "").partition("/")
    query = select(Team.id).join(Org).where(Org.slug == org, Team.slug == team)
    return db.session.scalar(query) if team else None
