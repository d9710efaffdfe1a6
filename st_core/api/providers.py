"""Providers over HTTP: where jobs can run, and the settings of each that are in force."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from ..services import registries, settings
from . import rendering
from .guard import current_viewer
from .routing import route
from .schemas import providers as schemas

blueprint = Blueprint("providers", __name__)
CONFIG = ["/api/cloud/providers/<provider>/config", "/api/cloud/providers/<provider>"]


@route(
    blueprint,
    "/api/cloud/providers",
    permission=("job.submit", "config.view"),
    summary="Where jobs can run",
    answers={200: schemas.Providers},
)
def list_providers() -> schemas.Providers:
    """List the enabled providers with what they can do and offer."""
    found = registries.providers().values()
    return schemas.Providers(providers=[rendering.provider(item) for item in found])


@route(
    blueprint,
    CONFIG,
    permission="admin.config",
    summary="A provider's settings",
    answers={200: schemas.ProviderConfig},
)
def config(provider: str) -> schemas.ProviderConfig:
    """Return the settings that are in force, secrets left out."""
    return _config(provider)


@route(
    blueprint,
    CONFIG,
    methods=["PUT", "PATCH"],
    permission="admin.config",
    summary="Change a provider's settings",
    body=schemas.ProviderConfigBody,
    answers={200: schemas.ProviderConfig},
    errors=[400],
)
def set_config(provider: str, body: schemas.ProviderConfigBody) -> schemas.ProviderConfig:
    """Store new values of editable settings, all or none; unknown names are refused."""
    name, rest = registries.provider(provider).name, dict(body.root)
    given = []
    for options in registries.provider_options():
        mine = {key: rest.pop(key) for key in options.names if key in rest}
        if mine:
            options.check(mine)
            given.append((options, mine))
    if rest or not given:
        settings.change(current_viewer(), {f"{name}.{key}": v for key, v in rest.items()})
    for options, mine in given:
        options.change(name, mine)
    return _config(provider)


def _config(provider: str) -> schemas.ProviderConfig:
    name = registries.provider(provider).name
    rows = [row for row in settings.describe() if row["owner"] == name and not row["secret"]]
    short = {row["key"].removeprefix(f"{name}."): row for row in rows}
    added: dict[str, Any] = {}
    for options in registries.provider_options():
        added |= options.read(name)
    return schemas.ProviderConfig(
        provider=name,
        config={key: row["value"] for key, row in short.items()} | added,
        editable=[key for key, row in short.items() if row["editable"]] + list(added),
    )
