"""The administration's pages about signing in: outside providers, registration, networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request, url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...contracts import AuthProviderKind
from ...models import AuthProvider
from ...services import (
    auth_providers,
    people_list,
    provider_config,
    provider_records,
    registration,
    registries,
)
from ..frame import Crumb, Page, blueprint, render
from ..presenters import auth_page
from .people import ADMINISTRATION

MOST_KEEPERS = 10
#: The API's address of all providers.
API = "/api/auth/external/providers"


@page(blueprint, "/admin/auth", permission="admin.config")
def auth() -> str:
    """Show how people sign in: providers, registration, and what networks are trusted."""
    kinds, may_users = registries.auth_kinds(), current_viewer().may("admin.users")
    return render(
        "auth_providers/list.html",
        Page("Auth", "auth", (ADMINISTRATION, Crumb("Auth"))),
        lines=auth_page.lines(auth_providers.rows(), kinds),
        kinds=kinds.values(),
        registration=registration.current(),
        levels=[name for name in people_list.level_names() if name != "admin"],
        fixed=auth_page.fixed(),
        may_users=may_users,
        keepers=auth_page.keepers(people_list.keepers(MOST_KEEPERS) if may_users else []),
    )


@page(blueprint, "/admin/auth/new", permission="admin.config")
def new_auth_provider() -> str:
    """Show the form that adds a provider of a kind, filled from a preset where one is asked for."""
    kind = provider_records.kind(request.args.get("kind", ""))
    preset = request.args.get("preset", "")
    return _form(
        f"Add a provider: {kind.title}",
        kind,
        None,
        kind.presets.get(preset, {}),
        preset=preset,
        presets=[
            (
                name,
                auth_page.preset_word(name),
                url_for("web.new_auth_provider", kind=kind.kind, preset=name),
            )
            for name in kind.presets
        ],
    )


@page(blueprint, "/admin/auth/<name>", permission="admin.config")
def auth_provider(name: str) -> str:
    """Show a provider: its config, what its groups mean here, and a test of its connection."""
    row = auth_providers.row(name)
    kind = provider_records.kind(row.kind)
    return _form(name, kind, row, provider_config.told(row.config))


def _form(
    title: str,
    kind: AuthProviderKind,
    row: AuthProvider | None,
    config: Mapping[str, Any],
    *,
    preset: str = "",
    presets: Sequence[tuple[str, str, str]] = (),
) -> str:
    fingerprints = provider_config.fingerprints(row.name, row.config) if row else {}
    return render(
        "auth_providers/provider.html",
        Page(title, "auth", (ADMINISTRATION, Crumb("Auth", url_for("web.auth")), Crumb(title))),
        title=title,
        kind=kind,
        provider=row,
        is_ours=row is None or row.managed_by == auth_providers.PAGE,
        groups=auth_page.form(kind, config, fingerprints),
        mapping=auth_page.mapping(row.level_mapping if row else {}),
        levels=people_list.level_names(),
        default_levels=row.default_levels if row else ["researcher"],
        preset=preset,
        presets=presets,
        addresses=_addresses(kind, row, config, preset),
        steps=auth_page.steps(row) if row and auth_page.is_unfinished(row) else [],
        api=API,
    )


def _addresses(
    kind: AuthProviderKind, row: AuthProvider | None, config: Mapping[str, Any], preset: str
) -> list[auth_page.Address]:
    """Return what to register with a provider, also with one whose name is still being typed."""
    names = (row.name,) if row else (preset or auth_page.NO_NAME, auth_page.PLACE)
    origin = request.host_url.rstrip("/")
    found = [provider_records.addresses(kind.kind, name, origin, config) for name in names]
    return auth_page.addresses(found[0], found[-1])
