"""When a stored credential counts as old (contract 1.8)."""

from __future__ import annotations

from flask import Blueprint

from ..services import settings
from .guard import current_viewer
from .routing import route
from .schemas import credentials as schemas

blueprint = Blueprint("credential_settings", __name__)
PATH = "/api/cloud/settings/credentials"


@route(
    blueprint,
    PATH,
    permission="admin.config",
    summary="When credentials are old",
    answers={200: schemas.SecuritySettings},
)
def credential_settings() -> schemas.SecuritySettings:
    """Tell after how many days a credential is stale, and whether there is an early warning."""
    return schemas.SecuritySettings(
        **{
            name: settings.value(f"secrets.{name}")
            for name in schemas.SecuritySettings.model_fields
        }
    )


@route(
    blueprint,
    PATH,
    methods=["PUT"],
    permission="admin.config",
    summary="Set when credentials are old",
    body=schemas.SecuritySettingsBody,
    answers={200: schemas.SecuritySettings},
    errors=[400],
)
def change_credential_settings(body: schemas.SecuritySettingsBody) -> schemas.SecuritySettings:
    """Change what is given."""
    given = body.model_dump(exclude_none=True)
    settings.change(current_viewer(), {f"secrets.{name}": value for name, value in given.items()})
    return credential_settings()
