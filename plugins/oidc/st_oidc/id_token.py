"""Whether a token is what it claims: signed by this provider, for us, for this sign-in, now.

Algorithms are an allow-list of private-key signatures, so "none" and a signature made with a shared
secret are refused before any key is looked at; keys come from the provider's own set alone, never
from the token's header.
"""

from __future__ import annotations

from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jws import JWSRegistry

from st_core.clock import now

from .discovery import Metadata
from .provider_config import OidcConfig
from .refusals import Refusal
from .signing_keys import keys_for

MOST_CHARACTERS = 128_000

#: claim → the reason it is refused for, and what to do about it
_WRONG = {
    "iss": ("oidc_issuer_mismatch", "names another issuer than this provider's"),
    "sub": ("oidc_subject_invalid", "names no person (sub)"),
    "aud": ("oidc_audience_mismatch", "is meant for another client; check client_id"),
    "azp": ("oidc_audience_mismatch", "was issued to another client (azp); check client_id"),
    "exp": ("oidc_token_expired", "has expired; compare both clocks, see clock_skew_seconds"),
    "nbf": ("oidc_token_not_yet_valid", "is not valid yet; compare both clocks, see "
            "clock_skew_seconds"),
    "iat": ("oidc_token_not_yet_valid", "comes from the future; compare both clocks, see "
            "clock_skew_seconds"),
    "nonce": ("oidc_nonce_mismatch", "belongs to another sign-in (nonce); begin again"),
    "at_hash": ("oidc_at_hash_mismatch", "belongs to another access token (at_hash)"),
}  # fmt: skip


class _Allowed(JWSRegistry):
    """The algorithms one provider may use, and room for headers as providers really send them."""

    max_header_length = 8192

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise Refusal(
                f"The token is signed with {str(name)[:20]!r}, which this provider may not use. "
                f"Allowed: {', '.join(self.allowed or ())}.",
                code="oidc_algorithm_refused",
            )
        return self.algorithms[name]


def verified(
    token: str, metadata: Metadata, config: OidcConfig, *, nonce: str, access_token: str | None
) -> dict[str, Any]:
    """Return the claims of an ID token that passed every check of OpenID Connect Core 3.1.3.7.

    Raises Refusal naming the check that failed.
    """
    header, claims = signed(token, metadata, config)
    if str(header.get("typ", "JWT")).lower().endswith("+jwt"):
        raise Refusal(
            f"The token is of the type {str(header['typ'])[:30]}, not an ID token.",
            code="oidc_token_malformed",
        )
    if not isinstance(claims.get("at_hash", ""), str):
        raise _refusal("at_hash")
    options: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    options |= {
        "iss": {"essential": True, "value": config.issuer},
        "aud": {"essential": True, "value": config.client_id},
    }
    known = {"nonce": nonce, "client_id": config.client_id, "access_token": access_token}
    try:
        CodeIDToken(claims, _hashed_by(header), options, known).validate(
            int(now().timestamp()), config.clock_skew_seconds
        )
    except ClaimError as error:
        raise _refusal(error.claim) from error
    return claims


def signed(
    token: str, metadata: Metadata, config: OidcConfig
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token that the provider signed; what they say is not checked.

    Raises Refusal when it is no such token, ProviderTrouble when the keys cannot be read.
    """
    registry = _Allowed(algorithms=config.allowed_algorithms, strict_check_header=False)
    header = _header(token, registry)
    keys = keys_for(header.get("kid"), metadata, config)
    if not keys:
        raise Refusal(
            "The token is signed with a key that is not among the provider's. If the provider "
            "changed its keys a moment ago, try again in half a minute.",
            code="oidc_key_unknown",
        )
    for key in keys:
        try:
            return header, jwt.decode(token, key, registry=registry).claims
        except (JoseError, ValueError, RecursionError):
            continue
    raise Refusal("The token's signature is not the provider's.", code="oidc_signature_invalid")


def _header(token: str, registry: JWSRegistry) -> dict[str, Any]:
    """Return the header of a token of the right form. Raises Refusal for any other."""
    if len(token) > MOST_CHARACTERS or token.count(".") != 2:
        raise Refusal(
            "The provider sent no signed token of the usual form (encrypted tokens are not read).",
            code="oidc_token_malformed",
        )
    try:
        header = jws.extract_compact(token.encode(), registry=registry).headers()
        registry.check_header(header)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Refusal("The token's header is malformed.", code="oidc_token_malformed") from error
    registry.get_alg(header["alg"])
    if "crit" in header:
        raise Refusal(
            "The token's header demands extensions (crit), which no ID token needs.",
            code="oidc_token_malformed",
        )
    return header


def _hashed_by(header: dict[str, Any]) -> dict[str, Any]:
    """Return the header under the older name of Ed25519, the one Authlib knows the hash of."""
    return header | {"alg": "EdDSA"} if header["alg"] == "Ed25519" else header


def _refusal(claim: str) -> Refusal:
    code, why = _WRONG.get(claim, ("oidc_token_malformed", f"has an invalid claim {claim!r}"))
    return Refusal(f"The provider's ID token {why}.", code=code)
