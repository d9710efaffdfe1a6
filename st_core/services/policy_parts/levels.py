"""The part `levels`: every level with what it holds. Who has a level is no policy.

A level is known by its name: renamed in a file, it is another one, and whoever had the old one
loses it. The system's four stay; theirs are the description and what they hold beside their
defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...db import assert_unit_of_work
from ...errors import SetTimeRule
from ...models import Level
from .. import authority
from .. import levels as service


class LevelDocument(BaseModel):
    """One level; of the system's four, `permissions` are those beside the defaults."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-zA-Z0-9_-]+$")]
    priority: int = Field(0, ge=0, le=1000, strict=True)
    description: str = Field("", max_length=500)
    permissions: list[str] = Field([], max_length=500)


class LevelsDocument(BaseModel):
    """Every level there is."""

    model_config = ConfigDict(extra="forbid")

    levels: list[LevelDocument] = Field(max_length=1000)

    @model_validator(mode="after")
    def _names_are_unique(self) -> LevelsDocument:
        names = [level.name for level in self.levels]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the level {twice[0]!r} stands here twice")
        return self


class LevelsPart:
    """Levels as a document."""

    name = "levels"
    title = "Levels"
    schema: type[BaseModel] = LevelsDocument
    permission = "*"

    def document(self) -> dict[str, Any]:
        """Return every level, the lowest priority first."""
        return {
            "levels": [
                {
                    "name": level.name,
                    "priority": level.priority,
                    "description": level.description,
                    "permissions": sorted(level.permissions),
                }
                for level in service.all_levels()
            ]
        }

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make the levels those of `document`.

        Raises SetTimeRule for what the system's four keep or a permission there is not, Conflict
        when a level is to go that a sign-in provider gives.
        """
        assert_unit_of_work()
        present = {level.name: level for level in service.all_levels()}
        wanted = {item["name"]: item for item in document["levels"]}
        with authority.keeping_an_admin():
            for name, level in present.items():
                if name not in wanted:
                    service.drop(level)
            for name, item in wanted.items():
                if name in present:
                    _change(present[name], item)
                else:
                    granted = service.known_permissions(item["permissions"])
                    service.add(Level(**{**item, "permissions": granted}))


def _change(level: Level, item: Mapping[str, Any]) -> None:
    """Step: set what differs. Raises SetTimeRule for what a system level keeps."""
    if level.is_system and item["priority"] != level.priority:
        raise SetTimeRule(
            f"{level.name} is one of the system's four levels: its priority is {level.priority} "
            "and cannot be changed. Make a level of your own instead.",
            code="system_level",
        )
    changed = {name: value for name, value in item.items() if value != getattr(level, name)}
    if "permissions" in changed:
        new = set(changed["permissions"]) - set(level.permissions)
        service.known_permissions(sorted(new))  # those held already may be of a plugin that is off
        changed["permissions"] = sorted(set(changed["permissions"]))
    service.put(level, changed)
