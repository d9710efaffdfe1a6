"""What goes in and out of `/api/users/resource-rules` and `/api/users/levels/{id}/rules`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .document import Description, Effect, Mode, Name, Pattern, Priority, ResourceType

LevelNames = Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=500)]
RowNumber = Annotated[int, Field(ge=1, lt=10**9)]


class Closed(BaseModel):
    """Something sent to us: names we do not know are refused."""

    model_config = ConfigDict(extra="forbid")


class Filter(Closed):
    """Which rules."""

    resource_type: ResourceType | None = None


class CreateBody(Closed):
    """A new rule; without levels it governs nobody yet."""

    name: Name
    resource_type: ResourceType
    pattern: Pattern = Field(description="A glob, or an expression with ^ first or $ last.")
    action: Effect = "allow"
    priority: Priority = 0
    description: Description = ""
    mode: Mode = Field("enforce", description="shadow records what it would do, and never acts.")
    levels: LevelNames = []


class ChangeBody(Closed):
    """What to change of a rule; what is left out stays."""

    name: Name | None = None
    resource_type: ResourceType | None = None
    pattern: Pattern | None = None
    action: Effect | None = None
    priority: Priority | None = None
    description: Description | None = None
    mode: Mode | None = None
    levels: LevelNames | None = None


class RuleIdsBody(Closed):
    """Every rule of a level."""

    rule_ids: list[RowNumber] = Field(max_length=10_000)


class RuleAnswer(BaseModel):
    """A rule and the levels it governs."""

    id: int
    name: str
    resource_type: str
    pattern: str
    action: str
    priority: int
    description: str
    mode: str
    levels: list[str]
    created_at: datetime
    created_by: int | None


class Rules(BaseModel):
    """Rules: by type, then the highest priority first."""

    rules: list[RuleAnswer]


class Done(BaseModel):
    """It is done."""

    success: bool = True


class TestBody(Closed):
    """Somebody and something: a person by name, or levels; then what they would run."""

    username: str | None = Field(None, max_length=50)
    levels: LevelNames | None = Field(None, description="Instead of a person.")
    config_name: str = Field("", max_length=200)
    hardware: str = Field("", max_length=100)
    provider: str = Field("", max_length=100)
    output_path: str | None = Field(None, max_length=1000)


class Deciding(BaseModel):
    """What the rules of one type say; `rule` is the deciding one."""

    resource_type: str
    value: str
    effect: str
    rule: str
    text: str
    shadow: bool


class Tested(BaseModel):
    """Whether it may run, and why; `rule` is the deciding one where it may not."""

    allowed: bool
    text: str
    rule: str | None
    levels: list[str]
    findings: list[Deciding]
