"""One person as the administration sees them: identity, levels, permissions with where each comes
from, sessions, keys, stored credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...clock import now
from ...models import ApiKey, Session, User
from ...models.credentials import StoredKey
from ...services import credential_values, permission_sources
from ...services.permission_sources import Explained
from ..formats import plural

CATEGORIES = {
    "job": "Jobs",
    "config": "Configs",
    "queue": "Queue",
    "api": "API",
    "quota": "Quotas",
    "org": "Organisations",
    "team": "Teams",
    "admin": "Administration",
}


@dataclass(frozen=True)
class Permission:
    """One permission: `because` says in words where it comes from or why it is missing."""

    name: str
    label: str
    holds: bool
    because: str
    override: str  # granted, denied or empty


@dataclass(frozen=True)
class Override:
    """One exception from what the levels say."""

    name: str
    label: str
    granted: bool
    by_level: bool
    by: str
    at: datetime


@dataclass(frozen=True)
class HeldLevel:
    """A level of a person; `provider` names the one that gave it and may take it, empty when a
    person did."""

    name: str
    priority: int
    provider: str


@dataclass(frozen=True)
class Key:
    """An API key; `state` is active, expired or revoked."""

    id: int
    name: str
    prefix: str
    state: str
    scopes: str
    scope_list: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Credential:
    """A secret of another service that this person keeps here; never its value."""

    provider: str
    name: str
    fingerprint: str
    days_old: int
    state: str  # as `credential_values.standing` says
    new_fingerprint: str
    last_used_at: datetime | None
    description: str

    @property
    def is_stale(self) -> bool:
        """Tell whether the value in force is older than the setting allows."""
        return self.state == "stale"


def levels(user: User, sources: Mapping[str, str]) -> list[HeldLevel]:
    """Return the levels of a person, the highest first."""
    return [
        HeldLevel(
            level.name,
            level.priority,
            sources.get(level.name, "").removeprefix("manual").removeprefix("provider:"),
        )
        for level in sorted(user.levels, key=lambda level: -level.priority)
    ]


def category_title(name: str) -> str:
    """Return the heading of a group of permissions."""
    return CATEGORIES.get(name, name.capitalize())


def permissions(found: Iterable[Explained]) -> list[tuple[str, list[Permission]]]:
    """Return every permission by category."""
    groups: dict[str, list[Permission]] = {}
    for each in found:
        title = category_title(permission_sources.category(each.permission.name))
        groups.setdefault(title, []).append(_permission(each))
    return sorted(groups.items(), key=lambda pair: _rank(pair[0]))


def _rank(title: str) -> int:
    titles = list(CATEGORIES.values())
    return titles.index(title) if title in titles else len(titles)


def _permission(each: Explained) -> Permission:
    levels = _listed([name.capitalize() for name in each.levels])
    if each.override is None:
        because = f"from {levels}" if levels else "not held"
    elif each.override.granted:
        because = f"granted here{f', {levels} has it anyway' if levels else ''}"
    else:
        because = f"denied here{f', against {levels}' if levels else ''}"
    override = "" if each.override is None else "granted" if each.override.granted else "denied"
    return Permission(each.permission.name, each.permission.label, each.holds, because, override)


def overrides(found: Iterable[Explained], names: Mapping[int, str]) -> list[Override]:
    """Return the exceptions, each with who made it."""
    return [
        Override(
            each.permission.name,
            each.permission.label,
            each.override.granted,
            bool(each.levels),
            names.get(each.override.granted_by_id or 0, "the server"),
            each.override.granted_at,
        )
        for each in found
        if each.override is not None
    ]


def keys(rows: Sequence[ApiKey]) -> list[Key]:
    """Return API keys, the newest first, those that still work before the others."""
    shown = [_key(row) for row in sorted(rows, key=lambda row: row.id, reverse=True)]
    return sorted(shown, key=lambda key: key.state != "active")


def _key(row: ApiKey) -> Key:
    expired = row.expires_at is not None and row.expires_at <= now()
    state = "revoked" if not row.is_active else "expired" if expired else "active"
    scopes = (
        "whatever its owner may" if row.scopes is None else plural(len(row.scopes), "permission")
    )
    return Key(
        row.id,
        row.name,
        row.prefix,
        state,
        scopes,
        tuple(row.scopes or ()),
        row.created_at,
        row.last_used_at,
        row.expires_at,
    )


def credentials(rows: Sequence[StoredKey]) -> list[Credential]:
    """Return the secrets a person keeps."""
    return [_credential(row) for row in rows]


def _credential(row: StoredKey) -> Credential:
    age = now() - row.updated_at
    return Credential(
        provider=row.provider,
        name=row.credential_name,
        fingerprint=row.fingerprint or "",
        days_old=age.days,
        state=credential_values.standing(row),
        new_fingerprint=row.new_fingerprint or "",
        last_used_at=row.last_used_at,
        description=row.description,
    )


def sessions(rows: Sequence[Session], own_id: int | None = None) -> list[dict[str, Any]]:
    """Return sessions with the browser in words; `own_id` marks the one that looks."""
    return [
        {
            "id": row.id,
            "browser": browser(row.user_agent),
            "address": row.address or "unknown address",
            "method": METHODS.get(row.method, row.method),
            "created_at": row.created_at,
            "last_seen_at": row.last_seen_at or row.created_at,
            "expires_at": row.expires_at,
            "is_own": row.id == own_id,
        }
        for row in rows
    ]


METHODS = {"password": "password", "oidc": "OIDC", "ldap": "directory"}
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser(agent: str | None) -> str:
    """Return what a user agent says it is, in two words: Firefox on Linux."""
    if not agent:
        return "unknown browser"
    name = next((word for mark, word in _BROWSERS if mark in agent), "")
    name = name or ("Safari" if "Safari" in agent else agent.split("/")[0][:30])
    system = next((word for mark, word in _SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if system else name


def deactivation(session_count: int, key_count: int, job_counts: tuple[int, int]) -> str:
    """Say what deactivating ends, in numbers."""
    running, waiting = job_counts
    jobs = (
        f" {plural(running, 'running job goes', 'running jobs go')} on, "
        f"{plural(waiting, 'job waits', 'jobs wait')}."
    )
    return (
        f"Ends {plural(session_count, 'session')} and stops {plural(key_count, 'key')} at once."
        f"{jobs if running or waiting else ''} Nothing is deleted."
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join(words)
