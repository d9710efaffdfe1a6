"""Seal secrets before they are stored, open them again, and show a fingerprint in their place.

A *sealed* text is encrypted and signed (AES-256-GCM) together with its *purpose*, the name of the
one place it belongs to: moved to another row or column it does not open. Columns that hold sealed
texts say so (`info={"sealed": "totp:{id}"}`, with the row's own columns in braces), so that the
rotation of keys finds them, those of plugins too; a JSON column holds them as `{"sealed": "…"}`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, current_app

from .errors import Unavailable
from .keyring import VARIABLE, Key, Keyring

VERSION = "st1"
NONCE_BYTES = 12


class SecretLost(Unavailable):
    """A stored secret cannot be opened: its key is not here, or the value is damaged (503)."""

    code, title = "secret_lost", "A stored secret cannot be read"


def keyring(app: Flask | None = None) -> Keyring:
    """Return the ring of `app`, of the current app when none is given.

    Raises ConfigError when SIMPLETUNER_CREDENTIAL_KEY holds something that is no key.
    """
    app = app or current_app
    ring: Keyring | None = app.extensions.get("st_keyring")
    if ring is None:
        deployment = app.extensions["st"]
        ring = Keyring(deployment.state_dir, deployment.settings.value("secrets.key"))
        app.extensions["st_keyring"] = ring
    return ring


def place(column: Any, **values: Any) -> str:
    """Return the purpose of one row's sealed column: `place(User.totp_secret, id=user.id)`."""
    purpose: str = column.info["sealed"].format_map(values)
    return purpose


def seal(text: str, purpose: str) -> str:
    """Return `text` sealed for `purpose`; the first call of all makes the key."""
    key = keyring().sealing()
    nonce = os.urandom(NONCE_BYTES)
    hidden = _cipher(key).encrypt(nonce, text.encode(), _bound(key.id, purpose))
    return f"{VERSION}.{key.id}.{base64.urlsafe_b64encode(nonce + hidden).decode()}"


def unseal(sealed: str, purpose: str) -> str:
    """Return the text that was sealed for `purpose`.

    Raises SecretLost, naming the purpose, when its key is not here or the value was sealed for
    another purpose or changed.
    """
    try:
        version, key_id, body = sealed.split(".")
        raw = base64.urlsafe_b64decode(body)
    except (ValueError, binascii.Error):
        version = key_id = ""
    if version != VERSION:
        raise SecretLost(_damaged(purpose))
    key = keyring().find(key_id)
    if key is None:
        raise SecretLost(
            f"the stored secret {purpose!r} was sealed with the key {key_id}, which is neither in "
            f"{keyring().path} nor in {VARIABLE}. Put the key back from the backup, or set the "
            "secret anew.",
            code="secret_key_lost",
        )
    from cryptography.exceptions import InvalidTag  # heavy: most commands open no secret

    try:
        hidden, nonce = raw[NONCE_BYTES:], raw[:NONCE_BYTES]
        return _cipher(key).decrypt(nonce, hidden, _bound(key_id, purpose)).decode()
    except (InvalidTag, ValueError) as error:
        raise SecretLost(_damaged(purpose)) from error


def within(value: Any, purpose: str, change: Callable[[str, str], Any]) -> Any:
    """Return a JSON value with each `{"sealed": text}` in it replaced by `change(text, purpose)`.

    The purpose of one that lies deeper ends with its path, as in `sign-in provider ad: password`.
    """
    if isinstance(value, dict):
        if set(value) == {"sealed"}:
            return change(value["sealed"], purpose)
        return {key: within(item, below(purpose, key), change) for key, item in value.items()}
    if isinstance(value, list):
        return [within(item, below(purpose, str(n)), change) for n, item in enumerate(value)]
    return value


def below(purpose: str, key: str) -> str:
    """Return the purpose of what lies under `key` of the JSON value with this purpose."""
    return f"{purpose}{'.' if ': ' in purpose else ': '}{key}"


def key_of(sealed: str) -> str:
    """Return the id of the key that sealed this, empty when it is no sealed text."""
    version, _, rest = sealed.partition(".")
    return rest.partition(".")[0] if version == VERSION else ""


def fingerprint(text: str) -> str:
    """Return 8 hex digits by which people tell two secrets apart.

    They are keyed: whoever reads them cannot try guesses. They change when the key is rotated.
    """
    own = hmac.digest(keyring().sealing().material, b"fingerprints", "sha256")
    return hmac.digest(own, text.encode(), "sha256").hex()[:8]


def _cipher(key: Key) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # heavy, see above

    return AESGCM(key.material)


def _bound(key_id: str, purpose: str) -> bytes:
    return f"{VERSION}.{key_id}.{purpose}".encode()


def _damaged(purpose: str) -> str:
    return (
        f"the stored secret {purpose!r} is damaged, or was moved here from another place. "
        "Set it anew."
    )
