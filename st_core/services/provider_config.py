"""The config of a sign-in provider: checked by its kind, stored with its secrets sealed, told
without them.

A *secret field* is one that the kind marks `json_schema_extra={"secret": True}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from .. import secrets
from ..contracts import AuthProviderKind
from ..errors import Malformed
from ..models import AuthProvider

PLACE = "config"


def secret_fields(kind: AuthProviderKind) -> list[str]:
    """Return the names of the secret fields."""
    return [
        name
        for name, field in kind.config.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    ]


def checked(kind: AuthProviderKind, given: Any, kept: Mapping[str, Any] | None = None) -> BaseModel:
    """Return a config as its kind understands it.

    Secret fields that are left out or empty are taken from `kept`; null takes one away. Raises
    Malformed naming each field that is wrong, never with a secret's value.
    """
    if not isinstance(given, Mapping):
        raise Malformed("config must be an object.", fields=[_field("", "must be an object")])
    values = dict(given)
    for name in secret_fields(kind):
        if kept and values.get(name, "") == "" and kept.get(name):
            values[name] = kept[name]
        elif values.get(name, "") is None:
            del values[name]
    try:
        return kind.config.model_validate(values)
    except ValidationError as error:
        fields = [
            _field(".".join(map(str, problem["loc"])), problem["msg"].removeprefix("Value error, "))
            for problem in error.errors(
                include_url=False, include_context=False, include_input=False
            )
        ]
        first = fields[0]
        raise Malformed(
            f"The config of this {kind.title} provider does not fit: {first['path']}: "
            f"{first['message']}.",
            fields=fields,
        ) from None


def stored(kind: AuthProviderKind, name: str, config: BaseModel) -> dict[str, Any]:
    """Return a config as its row holds it: secrets sealed for the provider of this name."""
    values = config.model_dump(mode="json")
    purpose = secrets.place(AuthProvider.config, name=name)
    for field in secret_fields(kind):
        if values.get(field):
            values[field] = {"sealed": secrets.seal(values[field], secrets.below(purpose, field))}
    return values


def opened(kind: AuthProviderKind, name: str, values: Mapping[str, Any]) -> BaseModel:
    """Return the config of a row. Raises SecretLost, Malformed when the kind has changed since."""
    return checked(kind, plain(name, values))


def plain(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's config with its secrets in the clear. Raises SecretLost."""
    purpose = secrets.place(AuthProvider.config, name=name)
    clear: dict[str, Any] = secrets.within(dict(values), purpose, secrets.unseal)
    return clear


def kept(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's config with those of its secrets in the clear that can be opened."""

    def opened_or_none(sealed: str, purpose: str) -> str | None:
        try:
            return secrets.unseal(sealed, purpose)
        except secrets.SecretLost:
            return None

    purpose = secrets.place(AuthProvider.config, name=name)
    clear: dict[str, Any] = secrets.within(dict(values), purpose, opened_or_none)
    return clear


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's config without its secrets."""
    return {key: value for key, value in values.items() if not _is_sealed(value)}


def fingerprints(name: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the fingerprint of each secret that is set; `lost` where it cannot be opened."""
    purpose = secrets.place(AuthProvider.config, name=name)
    found = {}
    for key, value in values.items():
        if _is_sealed(value):
            try:
                clear = secrets.unseal(value["sealed"], secrets.below(purpose, key))
                found[key] = secrets.fingerprint(clear)
            except secrets.SecretLost:
                found[key] = "lost"
    return found


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"sealed"}


def _field(path: str, message: str) -> dict[str, str]:
    return {"path": f"{PLACE}.{path}".rstrip("."), "message": message}
