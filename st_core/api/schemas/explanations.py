"""Why a job waits, what would start it, and when it will probably start."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from .kinds import Answer


class Remedy(Answer):
    """One change after which something would hold a job no more."""

    kind: str = Field(
        description="What must happen: end_job, complete_job, raise_limit, raise_priority, "
        "resume_queue, approve, enable_provider, enable_trainer, free_device, wait."
    )
    subject: str = Field(description="To what: a job's number, a setting's key; may be empty.")
    text: str
    value: float | None = Field(None, description="The least new value of what is raised.")


class Holding(Answer):
    """One gate before the start of a job."""

    name: str
    result: Literal["pass", "ask", "wait", "no"] = Field(
        description="pass lets it through, ask waits for people, wait for its turn, no holds it."
    )
    text: str
    held_by: list[str] = Field([], description="Who or what holds it there.")
    remedies: list[Remedy] = Field([], description="Any one of these would end it.")


class Expected(Answer):
    """When a job will probably start."""

    earliest: datetime | None = Field(None, description="Nine of ten jobs start after this,")
    latest: datetime | None = Field(None, description="and before this.")
    likely: datetime | None = None
    basis: str = Field(description="What the length of its own run is taken from.")
    unknown: list[str] = Field([], description="What this does not know.")


class Why(Answer):
    """Why a job waits."""

    job_id: str
    status: str
    waits: bool
    sentence: str
    gates: list[Holding]
    smallest_changes: list[list[Remedy]] = Field(
        description="Sets of changes, each enough by itself; an empty set says that it starts now."
    )
    is_proven: bool = Field(description="The dispatcher's own decision was asked.")
    is_smallest: bool = Field(description="No smaller set of changes would start it.")
    expected: Expected | None = None
