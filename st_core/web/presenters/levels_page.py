"""The matrix of levels and permissions: a row for each permission, a column for each level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...contracts import Permission
from ...models import Level
from ...services import level_grants, permission_sources, permissions, rights
from ...services import levels as service
from ..formats import plural
from .person_page import category_title


@dataclass(frozen=True)
class Column:
    """One level. `holds` has the names of its permissions, `fixed` those it cannot lose."""

    id: int
    name: str
    title: str
    description: str
    priority: int
    is_system: bool
    holds: frozenset[str]
    fixed: frozenset[str]
    people_count: int

    @property
    def is_everything(self) -> bool:
        """Tell whether the level holds whatever there is."""
        return "*" in self.holds

    def may(self, name: str) -> bool:
        """Tell whether the level holds a permission."""
        return self.is_everything or name in self.holds


@dataclass(frozen=True)
class Line:
    """One permission and which levels hold it, in the order of the columns."""

    name: str
    label: str
    cells: tuple[bool, ...]


def levels() -> list[Column]:
    """Return every level, the lowest first, with how many people have it."""
    people = level_grants.all_holders()
    return [_column(level, people.get(level.id, 0)) for level in service.all_levels()]


def _column(level: Level, people: int) -> Column:
    known = rights.catalogue().values()
    return Column(
        id=level.id,
        name=level.name,
        title=level.name.capitalize(),
        description=level.description,
        priority=level.priority,
        is_system=level.is_system,
        holds=rights.of_level(level),
        fixed=permissions.defaults_of(level.name, known) if level.is_system else frozenset(),
        people_count=people,
    )


def matrix(columns: Sequence[Column], known: Iterable[Permission]) -> list[tuple[str, list[Line]]]:
    """Return the rows by category."""
    groups: dict[str, list[Line]] = {}
    for permission in known:
        title = category_title(permission_sources.category(permission.name))
        cells = tuple(column.may(permission.name) for column in columns)
        line = Line(permission.name, permission.label, cells)
        groups.setdefault(title, []).append(line)
    return list(groups.items())


def sentence(level: Column | None) -> str:
    """Return what stands below the title of a level's form."""
    if level is None:
        return "What people with this level may do. It adds to their other levels."
    people = plural(level.people_count, "person has it", "people have it")
    fixed = " What is ticked in grey belongs to it for good." if level.is_system else ""
    return f"{level.description} Priority {level.priority}, {people}.{fixed}".strip()
