"""Policy as files over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .kinds import Answer, Body, Dollars, JsonObject, JsonValue, Whole

Text = Annotated[str, Field(max_length=1_000_000)]
FileName = Annotated[str, Field(min_length=1, max_length=200)]


class Files(Body):
    """Files of a tree: their names and what stands in them. `levels.yaml` holds that part alone,
    a single file of another name all parts."""

    files: dict[FileName, Text] = Field(min_length=1, max_length=100)


class PlanBody(Files):
    """A tree to be planned."""

    days: Whole = Field(30, ge=0, le=365, description="How far to look back; 0 for not at all.")


class ApplyBody(Files):
    """A tree to be put in force."""

    digest: str | None = Field(
        None, max_length=64, description="`digest_before` of the plan you have looked at."
    )


class Exported(Answer):
    """What is in force: documents by part, and the same as files."""

    digest: str
    parts: dict[str, JsonObject]
    files: dict[str, str]


class Change(Answer):
    """One difference; entries of lists are named."""

    kind: str = Field(description="added, removed or changed")
    path: str
    before: JsonValue = None
    after: JsonValue = None


class Example(Answer):
    """A past submission that would have come out otherwise."""

    decision_id: int
    job_id: int | None
    user: str
    before: str
    after: str
    text: str
    usd: Dollars | None


class History(Answer):
    """What the changed part would have done."""

    days: int
    considered: int
    changed: int
    refused: int
    asked: int
    admitted: int
    examples: list[Example]
    notes: list[str]


class PlannedPart(Answer):
    """What changes in one part."""

    name: str
    title: str
    changes: list[Change]
    warnings: list[str]
    history: History | None


class CaseResult(Answer):
    """What came of one policy test."""

    name: str
    passed: bool
    outcome: str
    text: str


class Planned(Answer):
    """What a tree changes; `text` is the same for people."""

    changes_anything: bool
    passes: bool
    digest_before: str
    digest_after: str
    parts: list[PlannedPart]
    tests: list[CaseResult]
    text: str
