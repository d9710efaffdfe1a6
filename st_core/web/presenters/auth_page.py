"""Sign-in providers as the administration shows them: the list, the form drawn from a kind's
schema, the rows of its level mapping, and what the configuration file says about networks.

Secrets are never in a form: a field of one is empty, and stays as it is when it is left empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...clock import now
from ...contracts import AuthProviderKind
from ...models import AuthProvider
from ...services import people_list, provider_config, settings
from ..formats import plural
from ..schema_form import Field, groups

PURPOSES = {"callback": "Callback address", "sign_out": "Address after signing out"}
#: Stands for a provider's name in an address until it is typed; no part of a name is spelt so.
PLACE, NO_NAME = "~name~", "NAME"
#: Settings about who is let in without signing in; only the configuration file changes them.
NETWORK_KEYS = ("network.", "auth.bypass_paths", "auth.mode")


@dataclass(frozen=True)
class Line:
    """One provider in the list."""

    name: str
    kind: str
    where: str
    enabled: bool
    is_ours: bool
    levels: str


@dataclass(frozen=True)
class Control:
    """One field of a provider's config. `fingerprint` tells which secret is stored, if any."""

    field: Field
    name: str
    text: str
    is_secret: bool
    fingerprint: str


@dataclass(frozen=True)
class MappingRow:
    """A group of the provider and the level it gives here."""

    group: str
    level: str


@dataclass(frozen=True)
class Keeper:
    """Somebody with credentials of other services; stale when the oldest is, by the guide."""

    user_id: int
    name: str
    count: int
    days_old: int
    is_stale: bool


@dataclass(frozen=True)
class Address:
    """An address to register with the provider. `pattern` has PLACE where the name belongs."""

    title: str
    text: str
    pattern: str


@dataclass(frozen=True)
class Step:
    """One step to a provider that works; `is_done` None where nobody can tell."""

    title: str
    text: str
    is_done: bool | None


@dataclass(frozen=True)
class Fixed:
    """A setting of the configuration file, to read."""

    key: str
    value: str
    help: str


def addresses(found: Mapping[str, str], patterns: Mapping[str, str]) -> list[Address]:
    """Return what to register with a provider, by what it is for."""
    return [
        Address(PURPOSES.get(key, key), text, patterns.get(key, text))
        for key, text in found.items()
    ]


def is_unfinished(row: AuthProvider) -> bool:
    """Tell whether something is still to be done with a provider."""
    return not (row.enabled and row.level_mapping)


def steps(row: AuthProvider) -> list[Step]:
    """Return what is to be done with a provider until people sign in over it."""
    count = sum(len(names) for names in row.level_mapping.values())
    levels = ", ".join(row.default_levels) or "nothing: they cannot do anything here"
    mapped = f"{plural(count, 'group')} mapped." if count else "None yet."
    return [
        Step("Add it", "It is kept here.", True),
        Step("Test the connection", "The button below walks it, step by step.", None),
        Step(
            "Say what groups mean", f"{mapped} Everybody else becomes {levels}.", count > 0 or None
        ),
        Step(
            "Switch it on",
            "It is on the sign-in page." if row.enabled else "Tick Enabled, then save.",
            row.enabled,
        ),
    ]


def lines(rows: Sequence[AuthProvider], kinds: Mapping[str, AuthProviderKind]) -> list[Line]:
    """Return the list of providers."""
    return [_line(row, kinds) for row in rows]


def _line(row: AuthProvider, kinds: Mapping[str, AuthProviderKind]) -> Line:
    config = row.config
    where = next((_written(config[key]) for key in ("issuer", "server") if config.get(key)), "")
    known = kinds.get(row.kind)
    count = sum(len(names) for names in row.level_mapping.values())
    return Line(
        name=row.name,
        kind=known.title if known else f"{row.kind} (its plugin is off)",
        where=where,
        enabled=row.enabled,
        is_ours=row.managed_by == "page",
        levels=f"{plural(count, 'group')} mapped" if count else "no group mapped",
    )


def form(
    kind: AuthProviderKind, config: Mapping[str, Any], fingerprints: Mapping[str, str]
) -> list[tuple[str, list[Control]]]:
    """Return the fields of a kind's config, filled with `config`, by group."""
    hidden = provider_config.secret_fields(kind)
    clear = {key: value for key, value in config.items() if key not in hidden}
    drawn = groups(kind.config.model_json_schema(by_alias=False), clear)
    return [
        (
            group.title,
            [
                Control(
                    field,
                    f"config.{field.path}",
                    entries(clear, field.path) if field.kind == "list" else field.text,
                    field.path in hidden,
                    fingerprints.get(field.path, ""),
                )
                for field in group.fields
            ],
        )
        for group in drawn
    ]


def entries(config: Mapping[str, Any], name: str) -> str:
    """Return a list of the config as lines: an entry may have commas in it."""
    value = config.get(name)
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else ""


def preset_word(name: str) -> str:
    """Return a preset's name as people write it: Keycloak, Azure AD."""
    words = name.replace("_", " ").split()
    return " ".join(word.upper() if len(word) < 3 else word.capitalize() for word in words)


def mapping(stored: Mapping[str, Sequence[str]]) -> list[MappingRow]:
    """Return the rows of a level mapping, which is stored as level → groups."""
    return [MappingRow(group, level) for level, names in stored.items() for group in names]


def keepers(rows: Sequence[people_list.Keeper]) -> list[Keeper]:
    """Return who keeps credentials, the oldest first."""
    ages = [(now() - row.oldest_at).days for row in rows]
    threshold = settings.value("secrets.stale_threshold_days")
    return [
        Keeper(row.user_id, row.name, row.count, days, days > threshold)
        for row, days in zip(rows, ages, strict=True)
    ]


def fixed() -> list[Fixed]:
    """Return what the configuration file says about networks and bypassed paths."""
    return [
        Fixed(row["key"], _written(row["value"]) or "not set", row["help"])
        for row in settings.describe()
        if row["key"].startswith(NETWORK_KEYS)
    ]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
