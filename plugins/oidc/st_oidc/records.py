"""The providers of this kind that administrators keep, and their buttons on the sign-in page."""

from __future__ import annotations

from urllib.parse import quote

from st_core.contracts import LoginMethod
from st_core.errors import NotFound
from st_core.services import auth_providers
from st_core.services.auth_providers import Record

from .addresses import BASES
from .kind import KIND
from .provider_config import OidcConfig

TITLES = {
    "okta": "Okta",
    "azure_ad": "Microsoft",
    "google": "Google",
    "keycloak": "Keycloak",
    "auth0": "Auth0",
}


def enabled(name: str) -> Record:
    """Return a provider people may sign in through. Raises NotFound, also for one switched off."""
    record = None if "\x00" in name else auth_providers.find(name, KIND.kind)
    if record is None or not record.enabled:
        raise NotFound(
            f"No sign-in provider named {name!r} is in use here; the sign-in page shows those that "
            "are.",
            code="auth_provider_not_found",
        )
    return record


def by_id(provider_id: int) -> Record | None:
    """Return the provider of that number while it is in use, else None."""
    records = auth_providers.enabled(KIND.kind)
    return next((record for record in records if record.id == provider_id), None)


def config_of(record: Record) -> OidcConfig:
    """Return how to reach a provider."""
    assert isinstance(record.config, OidcConfig)
    return record.config


def login_methods() -> list[LoginMethod]:
    """Return a button for each provider in use."""
    return [_button(record) for record in auth_providers.enabled(KIND.kind)]


def _button(record: Record) -> LoginMethod:
    label = TITLES.get(record.name, record.name)
    url = f"{BASES[0]}/oidc/{quote(record.name, safe='')}/start"
    return LoginMethod(record.name, label, url, KIND.kind, again_url=f"{url}?again=1")
