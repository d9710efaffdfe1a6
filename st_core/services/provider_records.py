"""One record of a sign-in provider: what may stand in it, what is told of it. Steps only; the
commands are in `auth_providers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ..contracts import AuthProviderKind
from ..db import assert_unit_of_work, db
from ..errors import Malformed
from ..models import AuthProvider, Level
from ..plugins import did_you_mean
from . import events, level_mapping, provider_config, registries, sessions


@dataclass(frozen=True)
class Wanted:
    """What a record shall be; None stays as it is, or has the default."""

    enabled: bool | None = None
    auto_create_users: bool | None = None
    default_levels: Sequence[str] | None = None
    level_mapping: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None


def kind(name: str) -> AuthProviderKind:
    """Return a kind of provider. Raises Malformed listing those there are."""
    known = registries.auth_kinds()
    if name not in known:
        message = f"{name!r} is no kind of sign-in provider.{did_you_mean(name, known)}"
        there_are = ", ".join(known) or "none; enable a plugin that brings one (oidc, ldap)"
        raise Malformed(
            f"{message} There are: {there_are}.",
            fields=[{"path": "provider_type", "message": "unknown kind"}],
        )
    return known[name]


def with_defaults(wanted: Wanted) -> Wanted:
    """Return what a new record is to be, nothing left open."""
    return Wanted(
        True if wanted.enabled is None else wanted.enabled,
        True if wanted.auto_create_users is None else wanted.auto_create_users,
        ["researcher"] if wanted.default_levels is None else wanted.default_levels,
        wanted.level_mapping or {},
        wanted.config or {},
    )


def put(target: AuthProvider, wanted: Wanted) -> None:
    """Step: set what is wanted. Raises Malformed naming the field that is wrong."""
    assert_unit_of_work()
    levels = {level.name: level for level in db.session.scalars(select(Level))}
    if wanted.enabled is not None:
        target.enabled = wanted.enabled
    if wanted.auto_create_users is not None:
        target.auto_create_users = wanted.auto_create_users
    if wanted.default_levels is not None:
        target.default_levels = _defaults(wanted.default_levels, levels)
    if wanted.level_mapping is not None:
        target.level_mapping = level_mapping.normalised(wanted.level_mapping, levels)
    if wanted.config is not None:
        its_kind = kind(target.kind)
        kept = provider_config.kept(target.name, target.config)
        config = provider_config.checked(its_kind, wanted.config, kept)
        if config.model_dump(mode="json") != kept:
            target.config = provider_config.stored(its_kind, target.name, config)


def discard(target: AuthProvider) -> None:
    """Step: delete a record and the sessions it began, and tell of it."""
    sessions.end_of_provider(target.id)
    tell(target, described(target), gone=True)
    db.session.delete(target)


def tell(target: AuthProvider, before: dict[str, Any] | None, *, gone: bool = False) -> None:
    """Step: emit the event of a change; a change of nothing is none."""
    db.session.flush()
    after = None if gone else described(target)
    if before == after:
        return
    what = "removed" if gone else "added" if before is None else "changed"
    events.emit(
        "provider.configured",
        subject=("auth_provider", target.name),
        before=before,
        after=after,
        message=f"the sign-in provider {target.name} was {what}",
    )


def described(target: AuthProvider) -> dict[str, Any]:
    """Return what events and administrators are told of a record: no secrets, but fingerprints."""
    return {
        "name": target.name,
        "type": target.kind,
        "enabled": target.enabled,
        "auto_create_users": target.auto_create_users,
        "default_levels": target.default_levels,
        "level_mapping": target.level_mapping,
        "config": provider_config.told(target.config),
        "secrets": provider_config.fingerprints(target.name, target.config),
        "managed_by": target.managed_by,
    }


def addresses(kind_name: str, name: str, origin: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Return what is to be registered with a provider, by what it is for; `origin` is where
    browsers reach this server. Nothing where its plugin is off."""
    found = registries.auth_kinds().get(kind_name)
    if found is None or found.addresses is None:
        return {}
    return dict(found.addresses(name, origin, config))


def _defaults(names: Sequence[str], levels: Mapping[str, Level]) -> list[str]:
    """Return the default levels. Raises Malformed for an unknown one or one that may everything."""
    for name in names:
        wrong = ""
        if name not in levels:
            wrong = f"there is no level {name!r}. There are: {', '.join(sorted(levels))}"
        elif name == "admin" or "*" in levels[name].permissions:
            wrong = f"{name!r} is not given to everybody; map a group to it in level_mapping"
        if wrong:
            raise Malformed(
                f"default_levels: {wrong}.", fields=[{"path": "default_levels", "message": wrong}]
            )
    return list(dict.fromkeys(names))
