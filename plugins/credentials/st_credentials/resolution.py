"""Resolution: which value serves a need. The submitter's own key first, then one shared with
everybody, then the server's environment, then its secrets file; the last two only where the need
allows them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from st_core import secrets
from st_core.contracts import KeyNeed
from st_core.db import db
from st_core.errors import ConfigError
from st_core.models import ProviderCredential
from st_core.models.credentials import StoredKey
from st_core.services import settings

from .models import CredentialsShared


@dataclass(frozen=True)
class Found:
    """Where the value for a need is: `source` is user, shared, environment or file; `row` holds it
    for the first two, `text` for the others."""

    source: str
    row: StoredKey | None = None
    text: str = ""

    def __repr__(self) -> str:
        return f"Found({self.source!r})"  # a value must not come out by a log line


def find(user_id: int, need: KeyNeed) -> Found | None:
    """Return where the value for this person's job is, None when nobody has set one.

    Raises ConfigError when the secrets file cannot be read.
    """
    return next(_places(user_id, need), None)


def _places(user_id: int, need: KeyNeed) -> Iterator[Found]:
    for source, kind, mine in (
        ("user", ProviderCredential, {"user_id": user_id}),
        ("shared", CredentialsShared, {}),
    ):
        row = db.session.scalar(
            db.select(kind).filter_by(provider=need.service, credential_name=need.name, **mine)
        )
        if row is not None and row.is_active and row.sealed is not None:
            yield Found(source, row)
    if need.from_server:
        if text := os.environ.get(need.variable, ""):
            yield Found("environment", text=text)
        if text := _filed(need):
            yield Found("file", text=text)


def fingerprint(found: Found) -> str | None:
    """Return the fingerprint of a value in force."""
    return found.row.fingerprint if found.row else secrets.fingerprint(found.text)


def _filed(need: KeyNeed) -> str:
    """Return the value in the secrets file, empty when there is none. Raises ConfigError."""
    path: Path | None = settings.value("credentials.file")
    if path is None:
        return ""
    content = _read(path)
    value = (content.get(need.service) or {}).get(need.name, "")
    return str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{path} can be read by others: run chmod 600 {path}")
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:  # its text holds secrets
        raise ConfigError(
            f"credentials.file {path} cannot be read: {type(error).__name__}"
        ) from None
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise ConfigError(f"{path} must hold service → name → value")
    return content
