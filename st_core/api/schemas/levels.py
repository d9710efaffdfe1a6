"""Levels and permissions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .kinds import Answer, Body, Whole

LevelName = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-zA-Z0-9_-]+$")]
Names = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=500)]


class LevelWithPermissions(Answer):
    """A level and what it holds; `*` is everything."""

    id: int
    name: str
    description: str
    priority: int
    is_system: bool
    permissions: list[str]
    user_count: int = Field(0, description="How many people have it.")


class Levels(Answer):
    """Every level, the lowest priority first."""

    levels: list[LevelWithPermissions]


class PermissionEntry(Answer):
    """A permission: the first word of its name is its category."""

    id: int
    name: str
    description: str
    category: str


class Permissions(Answer):
    """Every permission there is, plugins' included."""

    permissions: list[PermissionEntry]


class CreateLevelBody(Body):
    """A new level."""

    name: LevelName
    description: str = Field("", max_length=500)
    priority: Whole = Field(0, ge=0, le=1000)
    permission_names: Names = []


class ChangeLevelBody(Body):
    """What to change of a level; what is left out stays."""

    name: LevelName | None = None
    description: str | None = Field(None, max_length=500)
    priority: Whole | None = Field(None, ge=0, le=1000)
    permission_names: Names | None = None


class PermissionsBody(Body):
    """Everything a level shall hold."""

    permission_names: Names
