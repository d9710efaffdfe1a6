"""The list of people: what the URL asks for, the rows, and what it says when nothing is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import url_for

from ...models import User
from ...services.people_list import Counts, Person, Wanted
from ..formats import plural
from .job_filters import Select

SOURCE_WORDS = {
    "local": "Local password",
    "oidc": "OIDC",
    "ldap": "Directory",
    "service": "Service account",
    "machine": "This machine",
}
#: How the sentence below the title counts each source.
COUNTED = {
    "local": ("has a password here", "have a password here"),
    "oidc": ("comes from OIDC", "come from OIDC"),
    "ldap": ("comes from a directory", "come from a directory"),
    "service": ("is a service account", "are service accounts"),
    "machine": ("is the owner of this machine", "are owners of this machine"),
}
ACTIVE_WORDS = {"yes": "Active", "no": "Deactivated", "any": "Active and not"}


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    id: int
    name: str
    initials: str
    under: str
    is_service: bool
    is_active: bool
    levels: str
    places: str
    source: str
    overrides: str
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Sorting:
    """What the list is sorted by; `url` sorts by another column, or turns this one round."""

    key: str
    descending: bool
    wanted: Wanted

    def url(self, key: str) -> str:
        """Return the list sorted by `key`."""
        descending = not self.descending if key == self.key else key != "name"
        return url_of(replace(self.wanted, sort=key, descending=descending))


def read(arguments: Mapping[str, str]) -> Wanted:
    """Return what the URL asks for."""
    sort = arguments.get("sort") or "name"
    return Wanted(
        q=arguments.get("q", "").strip(),
        level=arguments.get("level", ""),
        source=arguments.get("source", ""),
        active=arguments.get("active") or "yes",
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
    )


def url_of(wanted: Wanted, page: int = 1) -> str:
    """Return the address of the list that shows `wanted`."""
    sort = f"{'-' if wanted.descending else ''}{wanted.sort}"
    query: dict[str, Any] = {
        "q": wanted.q,
        "level": wanted.level,
        "source": wanted.source,
        "active": "" if wanted.active == "yes" else wanted.active,
        "sort": "" if sort == "name" else sort,
        "page": str(page) if page > 1 else "",
    }
    return url_for("web.users", **{name: value for name, value in query.items() if value})


def selects(wanted: Wanted, levels: Sequence[str], counts: Counts) -> list[Select]:
    """Return the filters with a few values."""
    by_level = [(name, name.capitalize()) for name in levels]
    by_source = [(name, SOURCE_WORDS[name]) for name in counts.by_source]
    return [
        Select("level", "Level", "Any level", by_level, wanted.level),
        Select("source", "Source", "Any source", by_source, wanted.source),
    ]


def rows(people: Sequence[Person]) -> list[Row]:
    """Return the lines."""
    return [_row(person) for person in people]


def source_of(user: User) -> str:
    """Name where a person proves who they are, as a word of SOURCE_WORDS."""
    if user.is_local_owner:
        return "machine"
    return "service" if user.is_service else user.auth_provider


def initials(name: str) -> str:
    """Return the letters of an avatar."""
    return "".join(word[0] for word in name.split()[:2]).upper() or "?"


def _row(person: Person) -> Row:
    user = person.user
    name = user.display_name or user.username
    under = f"service account, {plural(person.key_count, 'key')}" if user.is_service else user.email
    return Row(
        id=user.id,
        name=name,
        initials=initials(name),
        under=under,
        is_service=user.is_service,
        is_active=user.is_active,
        levels=", ".join(level.name.capitalize() for level in user.levels) or "none",
        places=", ".join(person.places),
        source=SOURCE_WORDS.get(source_of(user), user.auth_provider),
        overrides=overridden(user),
        last_seen_at=person.last_seen_at,
    )


def overridden(user: User) -> str:
    """Return how many permissions are granted and denied one by one, in words."""
    granted = sum(item.granted for item in user.overrides)
    denied = len(user.overrides) - granted
    words = [f"{granted} granted" if granted else "", f"{denied} denied" if denied else ""]
    return ", ".join(word for word in words if word)


def counted(counts: Counts) -> str:
    """Return the sentence below the title."""
    parts = [f"{n:,} {COUNTED[name][n != 1]}" for name, n in counts.by_source.items()]
    return f"{plural(counts.total, 'account')}, {counts.active:,} active. {', '.join(parts)}."


def nothing(wanted: Wanted) -> str:
    """Say which filters find nobody."""
    parts = [
        f"level {wanted.level.capitalize()}" if wanted.level else "",
        f"source {SOURCE_WORDS.get(wanted.source, wanted.source)}" if wanted.source else "",
        f"state {ACTIVE_WORDS.get(wanted.active, wanted.active)}",
    ]
    fits = f", that fits “{wanted.q}”" if wanted.q else ""
    return f"Nobody with {', '.join(part for part in parts if part)}{fits}."
