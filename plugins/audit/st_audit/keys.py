"""The keys of the log: they sign statements, and what is derived from them seals entries.

A key is in force from one entry on; the newest signs. Private halves are stored sealed, so that all
machines of a server share them; SIMPLETUNER_AUDIT_KEY makes the key the same on every database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import delete, select

from st_core import secrets
from st_core.clock import now
from st_core.db import assert_unit_of_work, db
from st_core.errors import NotFound
from st_core.services import settings

from .models import AuditKey
from .verifier import canonical, fingerprint


@dataclass(frozen=True)
class Signer:
    """A key that can sign and seal; in force from entry `number` on."""

    number: int
    public: bytes
    private: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Return the key's fingerprint, by which statements name it."""
        return fingerprint(self.public)

    @cached_property
    def seal_key(self) -> bytes:
        """Return the key of seals, derived from the private half."""
        return hmac.digest(self.private, b"seal of entries", "sha256")

    def signed(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        """Return a statement with the key's name and its signature."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        named = {**statement, "key": self.name}
        key = Ed25519PrivateKey.from_private_bytes(self.private)
        return {
            **named,
            "signature": base64.b64encode(key.sign(canonical(named).encode())).decode(),
        }


def create(number: int) -> Signer:
    """Step: make the key that is in force from entry `number` on, and store it sealed."""
    assert_unit_of_work()
    made = given(number) or _of(number, os.urandom(32))
    sealed = secrets.seal(made.private.hex(), _place(made.public.hex()))
    row = AuditKey(number=number, public=made.public.hex(), private=sealed, created_at=now())
    db.session.execute(delete(AuditKey).where(AuditKey.number >= number))  # it sealed nothing yet
    db.session.add(row)
    db.session.flush()
    return made


def given(number: int) -> Signer | None:
    """Return the key that `audit.key` stands for, None when that is not set."""
    text = settings.value("audit.key")
    return _of(number, text.encode()) if text else None


def _of(number: int, seed: bytes) -> Signer:
    private = hashlib.sha256(b"simpletuner audit key" + seed).digest()
    return _signer(number, private)


def _signer(number: int, private: bytes) -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(private)
    return Signer(number, key.public_key().public_bytes_raw(), private)


def _place(public: str) -> str:
    return secrets.place(AuditKey.private, public=public)


def load(number: int) -> Signer | None:
    """Return the key in force from exactly entry `number` on, None when there is none.

    Raises SecretLost when it is here but cannot be opened.
    """
    found = db.session.get(AuditKey, number, populate_existing=True)
    return None if found is None else opened(found)


def in_force_at(number: int) -> Signer:
    """Return the key that sealed entry `number`. Raises SecretLost, NotFound."""
    query = select(AuditKey).where(AuditKey.number <= number).order_by(AuditKey.number.desc())
    found = db.session.scalar(query.limit(1))
    if found is None:
        raise NotFound(f"no key of the audit log was in force at entry {number}")
    return opened(found)


def opened(row: AuditKey) -> Signer:
    """Return a stored key that can sign. Raises SecretLost when it cannot be opened."""
    return _signer(row.number, bytes.fromhex(secrets.unseal(row.private, _place(row.public))))


def rows() -> list[AuditKey]:
    """Return every stored key, oldest first."""
    return list(db.session.scalars(select(AuditKey).order_by(AuditKey.number)))


def pem() -> str:
    """Return every public key in PEM form, oldest first: what an auditor needs."""
    return "".join(_pem(bytes.fromhex(row.public)) for row in rows())


def _pem(public: bytes) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(public)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()
