"""The document of resource rules: all of them, by name, with the levels they are attached to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from st_core.errors import SetTimeRule
from st_core.services import patterns

TYPES = ("config", "hardware", "provider", "output_path")
ResourceType = Literal["config", "hardware", "provider", "output_path"]
Effect = Literal["allow", "deny"]
Mode = Literal["enforce", "shadow"]


def _pattern(text: str) -> str:
    """Return a pattern that can be used. Raises ValueError saying what is wrong with it."""
    try:
        return patterns.check(text, "pattern")
    except SetTimeRule as error:
        raise ValueError(error.detail) from error


def _whole(value: object) -> object:
    """Refuse true and false, which Python takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a whole number is needed here, not true or false")
    return value


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
Pattern = Annotated[str, Field(min_length=1, max_length=patterns.LONGEST)]
Priority = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=1000)]
Description = Annotated[str, Field(max_length=500)]


class Rule(BaseModel):
    """One rule. A pattern is a glob, or a regular expression when it begins with ^ or ends with
    $."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    resource_type: ResourceType
    pattern: Annotated[Pattern, AfterValidator(_pattern)]
    action: Effect = "allow"
    priority: Priority = 0
    description: Description = ""
    mode: Mode = "enforce"
    levels: list[str] = Field([], max_length=500, description="Whom it governs, by level.")


class Document(BaseModel):
    """Every rule there is."""

    model_config = ConfigDict(extra="forbid")

    rules: list[Rule] = Field([], max_length=10_000)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Document:
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are called {twice[0]!r}; each needs a name of its own")
        return self
