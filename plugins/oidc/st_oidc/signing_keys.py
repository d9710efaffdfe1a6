"""The keys a provider signs with: fetched from it, kept for an hour, and asked for again when a
token names one that is not among them (at most every half minute, or forged tokens would make us
hammer the provider).

Only public keys of 2048 bits or more count; a *shared* key (`oct`) in the set is ignored, so nobody
can sign with what everybody may read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from st_core.clock import now

from . import provider_http
from .discovery import Metadata
from .provider_config import OidcConfig
from .refusals import ProviderTrouble

KEPT = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(seconds=30)
MOST_KEYS = 100
RSA_BITS = range(2048, 8193)
_KINDS = {"RSA", "EC", "OKP"}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

PublicKey = RSAKey | ECKey | OKPKey


@dataclass(frozen=True)
class SigningKeys:
    """The usable keys of one provider, as read at one moment."""

    keys: tuple[PublicKey, ...] = ()
    read_at: datetime = field(default_factory=now)

    def fitting(self, kid: str | None) -> list[PublicKey]:
        """Return the keys of that id, or all of them for a token that names none."""
        return [key for key in self.keys if kid is None or key.kid == kid]

    def is_older_than(self, age: timedelta) -> bool:
        """Tell whether the keys were read longer ago than that."""
        return now() - self.read_at > age


def keys_for(kid: str | None, metadata: Metadata, config: OidcConfig) -> list[PublicKey]:
    """Return the provider's keys of that id; empty when it has none, also asked just now.

    Raises ProviderTrouble when the key set cannot be read.
    """
    kept: dict[tuple[str, bool], SigningKeys] = current_app.extensions.setdefault(
        "st_oidc_signing_keys", {}
    )
    place = (metadata.jwks_uri, config.verify_ssl)
    found = kept.get(place)
    if found is None or found.is_older_than(KEPT if found.fitting(kid) else ASKED_AGAIN_AFTER):
        found = kept[place] = read(metadata, config)
    return found.fitting(kid)


def read(metadata: Metadata, config: OidcConfig) -> SigningKeys:
    """Ask the provider for its keys. Raises ProviderTrouble when there is no usable one."""
    document = provider_http.get_json(metadata.jwks_uri, config)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ProviderTrouble(
            f"{metadata.jwks_uri} holds no key set of at most {MOST_KEYS} keys; the provider's "
            "administrator must mend it.",
            code="oidc_keys_invalid",
        )
    keys = tuple(key for key in map(_public_key, listed) if key is not None)
    if not keys:
        raise ProviderTrouble(
            f"{metadata.jwks_uri} holds no public key (RSA of 2048 to 8192 bits, EC or EdDSA) "
            "that signatures could be checked with.",
            code="oidc_keys_invalid",
        )
    return SigningKeys(keys)


def _public_key(data: Any) -> PublicKey | None:
    """Return one entry as a key, None for one that cannot check a signature here."""
    if not isinstance(data, Mapping) or data.get("kty") not in _KINDS or data.get("use") == "enc":
        return None
    public = {name: value for name, value in data.items() if name not in _PRIVATE}
    try:
        if data["kty"] == "RSA" and len(str(data["n"])) * 6 not in range(
            RSA_BITS.start - 8, RSA_BITS.stop + 8
        ):
            return None  # before anything is computed with it
        key = JWKRegistry.import_key(public)
    except (JoseError, KeyError, TypeError, ValueError, OverflowError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size not in RSA_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
