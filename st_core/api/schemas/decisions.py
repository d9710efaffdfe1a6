"""Decisions of the past, and questions about policies: what would have been."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from .kinds import Answer, Body, Dollars, JsonObject, JsonValue, Listing, Query, Whole

Outcome = Literal["admitted", "asked", "refused"]


class DecisionQuery(Query):
    """Which decisions."""

    job_id: int | None = Field(None, ge=1, le=2**31 - 1)
    user_id: int | None = Field(None, ge=1, le=2**31 - 1)
    outcome: str | None = Field(None, description="admitted, asked or refused.")
    policy: str | None = Field(None, max_length=50, description="Only those that asked it.")
    since: datetime | None = None
    until: datetime | None = None
    limit: int = Field(50, ge=1, le=500)
    cursor: int | None = Field(None, ge=1, description="`next` of the page before.")


class Finding(Answer):
    """What one rule said."""

    rule: str
    effect: str
    text: str
    shadow: bool = False
    details: JsonObject = {}


class PolicyAnswer(Answer):
    """What one policy knew and said."""

    policy: str
    digest: str = Field(description="SHA-256 of the document that decided.")
    facts: JsonObject
    findings: list[Finding]


class Decision(Answer):
    """One submission as the policies saw it."""

    id: int
    at: datetime
    job_id: str | None = None
    user_id: int | None = None
    user: str
    outcome: Outcome
    asked: JsonObject
    answers: list[PolicyAnswer]


class DecisionDetail(Decision):
    """One decision with the documents that decided it."""

    documents: dict[str, JsonObject] = Field(description="By the name of the policy.")


class Decisions(Listing):
    """Decisions, the newest first."""

    decisions: list[Decision]


class Difference(Answer):
    """What one policy says otherwise now."""

    policy: str
    text: str
    recorded: JsonValue = None
    replayed: JsonValue = None


class Replayed(Answer):
    """A decision made again from its record."""

    decision_id: int
    same: bool
    outcome: Outcome
    differences: list[Difference]


class WhatIfBody(Body):
    """A document to try out over the past."""

    policy: str = Field(min_length=1, max_length=50)
    document: JsonObject
    days: Whole = Field(30, ge=1, le=366)


class Tally(Answer):
    """Submissions that would have come out otherwise, with what they were expected to cost."""

    refused: int = 0
    asked: int = 0
    admitted: int = 0
    refused_usd: Dollars
    asked_usd: Dollars
    admitted_usd: Dollars


class PersonTally(Tally):
    """One person's."""

    user: str


class Otherwise(Answer):
    """One submission that would have come out otherwise."""

    decision_id: int
    job_id: str | None = None
    user: str
    before: Outcome
    after: Outcome
    text: str
    usd: Dollars | None = None


class Hindsight(Answer):
    """What a document would have done."""

    policy: str
    days: int
    considered: int
    changed: int
    is_capped: bool = Field(description="Older submissions were left out.")
    reconstructed: int = Field(description="Decided from figures worked out afterwards.")
    unpriced: int = Field(description="Decided otherwise, and nobody knew a price.")
    total: Tally
    people: list[PersonTally]
    examples: list[Otherwise]
    notes: list[str]


class PolicyDocument(Answer):
    """What is in force of one policy."""

    policy: str
    title: str
    digest: str
    document: JsonObject


class PolicyDocuments(Answer):
    """What is in force."""

    policies: list[PolicyDocument]


class ShadowQuery(Query):
    """How far back."""

    days: int = Field(30, ge=1, le=366)


class ShadowRule(Answer):
    """One rule in shadow mode."""

    policy: str
    rule: str
    first_at: datetime = Field(description="Its first finding in shadow.")
    last_at: datetime
    refused: int
    asked: int
    warned: int
    considered: int = Field(description="Submissions its policy was asked about since then.")
    usd: Dollars
    people: list[str]
    text: str


class ShadowReport(Answer):
    """What rules in shadow mode would have done."""

    days: int
    is_capped: bool
    rules: list[ShadowRule]
