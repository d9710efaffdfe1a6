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
    return _marked(kind, "secret")


def _marked(kind: AuthProviderKind, mark: str) -> list[str]:
    return [
        name
        for name, field in kind.config.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(mark)
    ]


def checked(kind: AuthProviderKind, given: Any, kept: Mapping[str, Any] | None = None) -> BaseModel:
    """Return a config as its kind understands it.

    Secret fields that are left out or empty are taken from `kept`; null takes one away. A field
    marked `"destination": True` says where secrets go: once it changes, they are to be given anew.
    Raises Malformed naming each field that is wrong, never with a secret's value.
    """
    if not isinstance(given, Mapping):
        raise Malformed("config must be an object.", fields=[_field("", "must be an object")])
    values = dict(given)
    taken_over = []
    for name in secret_fields(kind):
        if kept and values.get(name, "") == "" and kept.get(name):
            values[name] = kept[name]
            taken_over.append(name)
        elif values.get(name, "") is None:
            del values[name]
    try:
        config = kind.config.model_validate(values)
        _demand_anew(kind, config, kept or {}, taken_over)
        return config
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


def _demand_anew(
    kind: AuthProviderKind, config: BaseModel, kept: Mapping[str, Any], secret_names: list[str]
) -> None:
    """Refuse to send a kept secret elsewhere, where whoever changed the record could read it.

    Raises Malformed naming the secrets to be given again.
    """
    now = config.model_dump(mode="json")
    moved = [name for name in _marked(kind, "destination") if now[name] != kept.get(name)]
    if moved and secret_names:
        message = f"give it again, because {moved[0]} is another now"
        raise Malformed(
            f"{' and '.join(secret_names)}: {message}.",
            fields=[_field(name, message) for name in secret_names],
        )


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
