"""What a provider says about itself: its discovery document, kept for an hour.

The document counts only when it names the configured issuer letter by letter, and a provider behind
https may not lead to addresses without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from st_core.clock import now

from . import provider_http
from .provider_config import OidcConfig, check_url
from .refusals import ProviderTrouble, Refusal

KEPT = timedelta(hours=1)
#: How long a provider that failed is left alone, so that nobody can tie up all our threads with it.
LEFT_ALONE = timedelta(seconds=5)
WELL_KNOWN = "/.well-known/openid-configuration"
_REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


@dataclass(frozen=True)
class Metadata:
    """The part of a discovery document that a sign-in needs."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    #: Ways for us to prove who we are at the token endpoint; empty when the provider says nothing.
    client_auth_methods: tuple[str, ...]
    #: It promises to name itself in every answer (RFC 9207), so an answer without is not its own.
    names_itself: bool
    read_at: datetime


@dataclass(frozen=True)
class Failure:
    """A question to a provider that brought nothing."""

    error: ProviderTrouble
    failed_at: datetime


def metadata_of(config: OidcConfig, *, fresh: bool = False) -> Metadata:
    """Return what the provider says about itself, at most an hour old; asked anew when `fresh`.

    Raises ProviderTrouble when it does not answer, Refusal when it names another issuer.
    """
    kept: dict[tuple[str, bool], Metadata | Failure] = current_app.extensions.setdefault(
        "st_oidc_discovery", {}
    )
    key = (config.issuer, config.verify_ssl)
    found = kept.get(key)
    if isinstance(found, Failure) and not fresh and now() - found.failed_at < LEFT_ALONE:
        raise ProviderTrouble(found.error.detail, code=found.error.code)
    if isinstance(found, Metadata) and not fresh and now() - found.read_at < KEPT:
        return found
    try:
        found = kept[key] = read(config)
    except ProviderTrouble as error:
        kept[key] = Failure(error, now())
        raise
    return found


def address(issuer: str) -> str:
    """Return where an issuer's discovery document is (OpenID Connect Discovery, section 4)."""
    return issuer.rstrip("/") + WELL_KNOWN


def read(config: OidcConfig) -> Metadata:
    """Ask the provider for its discovery document. Raises as `metadata_of`."""
    url = address(config.issuer)
    document = provider_http.get_json(url, config)
    if not isinstance(document, dict):
        raise ProviderTrouble(f"{url} holds no JSON object. Check the issuer of this provider.")
    _check_issuer(document.get("issuer"), config.issuer)
    asked = {name: document.get(name) for name in (*_REQUIRED, *_OPTIONAL)}
    endpoints: dict[str, Any] = {
        name: _endpoint(said, name, config.issuer) if said or name in _REQUIRED else None
        for name, said in asked.items()
    }
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=config.issuer,
        client_auth_methods=tuple(map(str, methods)) if isinstance(methods, list) else (),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        read_at=now(),
        **endpoints,
    )


def _check_issuer(said: Any, configured: str) -> None:
    if said == configured:
        return
    shown = said[:300] if isinstance(said, str) else "nothing"
    hint = " Use the address of your own tenant, with its id." if "{" in shown else ""
    raise Refusal(
        f"issuer_url must match exactly, the provider says {shown} and not {configured}; trailing "
        f"slashes matter.{hint}",
        code="oidc_issuer_mismatch",
    )


def _endpoint(said: Any, name: str, issuer: str) -> str:
    """Return an address of the document. Raises ProviderTrouble when it is none to go to."""
    value = said if isinstance(said, str) else ""
    try:
        check_url(value, name)
    except ValueError as error:
        raise ProviderTrouble(
            f"The discovery document of {issuer} names no usable {name}: {error}. Ask the "
            "provider's administrator, or check the issuer.",
            code="oidc_discovery_invalid",
        ) from error
    if issuer.startswith("https:") and not value.startswith("https:"):
        raise ProviderTrouble(
            f"The discovery document of {issuer} leads to {name} without https, where others can "
            "read along. The provider must name https addresses.",
            code="oidc_insecure_endpoint",
        )
    return value
