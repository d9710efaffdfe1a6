"""Leaving: the session here ends at once, the provider's when the browser follows the address that
is given back (OpenID Connect RP-Initiated Logout)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from authlib.common.urls import add_params_to_uri

from st_core.errors import StError
from st_core.services import sessions

from . import addresses, discovery, records
from .provider_config import OidcConfig

log = logging.getLogger(__name__)


def leave(token: str | None, origin: str) -> str | None:
    """Command: end the session of `token`; return where its provider's own session is ended."""
    row = sessions.row_of(token) if token else None
    if row is None or token is None:
        return None
    provider_id, state = row.provider_id, sessions.provider_state(row)
    sessions.leave(token)
    record = records.by_id(provider_id) if provider_id is not None and state else None
    return provider_page(records.config_of(record), state, origin) if record else None


def provider_page(config: OidcConfig, state: Mapping[str, str], origin: str) -> str | None:
    """Return the provider's page that ends its session, None when it has none or does not
    answer."""
    try:
        endpoint = discovery.metadata_of(config).end_session_endpoint
    except StError as error:
        log.warning("the provider's session goes on: %s", error.detail)
        return None
    if endpoint is None:
        return None
    back = addresses.signed_out_uri(config.redirect_url, origin)
    told = [("id_token_hint", state.get("id_token", "")), ("client_id", config.client_id)]
    told.append(("post_logout_redirect_uri", back))
    return str(add_params_to_uri(endpoint, [(name, value) for name, value in told if value]))
