"""The test of a provider's settings, step by step, before anybody has to sign in with them."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_urlsafe

from flask import has_request_context, request

from st_core import outgoing
from st_core.contracts import TestStep
from st_core.errors import StError

from . import addresses, discovery, signing_keys, tokens
from .provider_config import OidcConfig
from .refusals import Refusal

#: Refusals of a code that nobody was given: the provider has accepted us as its client.
_CLIENT_ACCEPTED = {"invalid_grant", "invalid_request", "invalid_code"}


def walk(provider: str, config: OidcConfig) -> list[TestStep]:
    """Return the steps up to the first that fails; each asks the provider anew."""
    steps: list[tuple[str, Callable[[], str]]] = [
        ("address", lambda: _address(provider, config)),
        ("discovery", lambda: _discovery(config)),
        ("keys", lambda: _keys(config)),
        ("client", lambda: _client(provider, config)),
    ]
    walked = []
    for name, step in steps:
        try:
            walked.append(TestStep(name, True, step()))
        except StError as error:
            walked.append(TestStep(name, False, error.detail))
            break
    return walked


def _address(provider: str, config: OidcConfig) -> str:
    outgoing.check_url(config.issuer, "issuer")
    return f"Register {_callback(provider, config)} as callback address with the provider."


def _discovery(config: OidcConfig) -> str:
    found = discovery.metadata_of(config, fresh=True)
    leaves = "can" if found.end_session_endpoint else "cannot"
    return f"The provider names itself {found.issuer} and {leaves} end its own sessions."


def _keys(config: OidcConfig) -> str:
    found = signing_keys.read(discovery.metadata_of(config), config)
    return f"{len(found.keys)} public keys to check signatures with."


def _client(provider: str, config: OidcConfig) -> str:
    """Offer a code nobody was given: a provider that knows us refuses the code, not us."""
    metadata, back = discovery.metadata_of(config), _callback(provider, config)
    answer = tokens.ask(token_urlsafe(16), back, token_urlsafe(32), metadata, config)
    given = answer.json()
    said = given.get("error") if isinstance(given, dict) else None
    if said in _CLIENT_ACCEPTED and answer.status != 401:
        return "The provider accepts client_id and client_secret."
    raise Refusal(
        f"The provider does not accept this server as its client ({str(said)[:100]}). Check "
        "client_id, client_secret and token_endpoint_auth_method."
    )


def _callback(provider: str, config: OidcConfig) -> str:
    """Return the address the provider will send browsers to, as far as it is known here."""
    origin = request.host_url.rstrip("/") if has_request_context() else "https://localhost"
    return config.redirect_url or addresses.callbacks(provider, origin)[0]
