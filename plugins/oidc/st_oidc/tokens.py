"""From a code to the claims of a person: redeem the code, check the ID token, ask for userinfo, and
read the access token where groups are nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from . import claims, id_token, provider_http
from .discovery import Metadata
from .provider_config import OidcConfig
from .refusals import ProviderTrouble, Refusal
from .states import Begun

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, repr=False)
class Tokens:
    """What the provider gave for a code. Never printed: whoever holds them is the person."""

    id_token: str
    access_token: str | None


def redeem(code: str, begun: Begun, metadata: Metadata, config: OidcConfig) -> Tokens:
    """Exchange a code for tokens. Raises Refusal when the provider says no, ProviderTrouble when it
    answers nonsense."""
    answer = ask(code, begun.redirect_uri, begun.code_verifier, metadata, config)
    given = answer.json()
    if not isinstance(given, dict):
        raise ProviderTrouble("The token endpoint answered with no JSON object.")
    if answer.status != 200 or "error" in given:
        raise _refused(str(given.get("error", f"status {answer.status}"))[:100])
    token, access = given.get("id_token"), given.get("access_token")
    if not isinstance(token, str):
        raise ProviderTrouble(
            "The provider gave no ID token. Its client must be one for OpenID Connect, with the "
            "scope openid allowed.",
            code="oidc_id_token_missing",
        )
    return Tokens(token, access if isinstance(access, str) else None)


def ask(
    code: str, redirect_uri: str, code_verifier: str, metadata: Metadata, config: OidcConfig
) -> provider_http.Answer:
    """Return the token endpoint's answer to a code, whatever it is."""
    body = prepare_token_request(
        "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=code_verifier
    )
    headers = {"Content-Type": FORM, "Accept": "application/json"}
    uri, headers, body = _client(metadata, config).prepare(
        "POST", metadata.token_endpoint, headers, body
    )
    return provider_http.post(uri, config, headers, body)


def sources(tokens: Tokens, begun: Begun, metadata: Metadata, config: OidcConfig) -> list[Any]:
    """Return where claims are read from, the ID token's first.

    Raises Refusal when the ID token fails a check or userinfo speaks of somebody else.
    """
    first = id_token.verified(
        tokens.id_token, metadata, config, nonce=begun.nonce, access_token=tokens.access_token
    )
    found: list[Mapping[str, Any]] = [first]
    if tokens.access_token is None:
        return found
    if metadata.userinfo_endpoint is not None:
        found.append(_userinfo(tokens.access_token, first["sub"], metadata, config))
    if not any(claims.is_complete(source, config) for source in found):
        found += _access_claims(tokens.access_token, first["sub"], metadata, config)
    return found


def _userinfo(
    access_token: str, subject: str, metadata: Metadata, config: OidcConfig
) -> Mapping[str, Any]:
    """Return the claims of the userinfo endpoint, signed or not, of exactly this person."""
    answer = provider_http.get(str(metadata.userinfo_endpoint), config, bearer=access_token)
    if answer.media_type == "application/jwt":
        _, said = id_token.signed(answer.body.decode("ascii", "replace"), metadata, config)
    else:
        said = answer.json()
    if not isinstance(said, dict) or said.get("sub") != subject:
        raise Refusal(
            "The provider's userinfo speaks of another person than its ID token (sub).",
            code="oidc_userinfo_mismatch",
        )
    return said


def _access_claims(
    access_token: str, subject: str, metadata: Metadata, config: OidcConfig
) -> list[Mapping[str, Any]]:
    """Return the access token's claims if it is one the provider signed about this person.

    Any other is opaque to us, and that is no mistake.
    """
    try:
        _, said = id_token.signed(access_token, metadata, config)
    except Refusal:
        return []
    fits = said.get("iss") == config.issuer and said.get("sub", subject) == subject
    return [said] if fits else []


def _client(metadata: Metadata, config: OidcConfig) -> ClientAuth:
    method = config.token_endpoint_auth_method
    if method == "auto":
        method = _best(metadata) if config.client_secret else "none"
    if method == "client_secret_basic":  # RFC 6749, 2.3.1: both are form-encoded first
        return ClientAuth(quote_plus(config.client_id), quote_plus(config.client_secret), method)
    return ClientAuth(config.client_id, config.client_secret, method)


def _best(metadata: Metadata) -> Any:
    offered = metadata.client_auth_methods
    wants_post = "client_secret_post" in offered and "client_secret_basic" not in offered
    return "client_secret_post" if wants_post else "client_secret_basic"


def _refused(error: str) -> Refusal:
    if error in ("invalid_client", "unauthorized_client", "status 401"):
        return Refusal(
            f"The provider does not accept this server as its client ({error}). Check client_id, "
            "client_secret and token_endpoint_auth_method.",
            code="oidc_client_refused",
        )
    return Refusal(
        f"The provider does not accept the code ({error}): it has been used, or is too old. Begin "
        "again from the sign-in page.",
        code="oidc_code_refused",
    )
