"""The profiles of this server: shipped ones that an admin completed, and the admin's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from pydantic import ValidationError

from st_core.errors import ConfigError

from .parameters import schema_of
from .profile import Profile
from .settings import SECTION

#: The admin's own of a shipped profile; without them it cannot run and is not offered.
_EMPTY: Mapping[str, Any] = {}


def shipped() -> dict[str, dict[str, Any]]:
    """Return the shipped profiles by name, without a program."""
    found = {}
    for file in sorted(
        files(__package__).joinpath("shipped").iterdir(), key=lambda each: each.name
    ):
        if file.name.endswith(".yaml"):
            found[file.name.removesuffix(".yaml")] = yaml.safe_load(file.read_text("utf-8"))
    return found


def load(declared: Mapping[str, Mapping[str, Any]]) -> list[Profile]:
    """Return the enabled profiles, in the order they are declared.

    A declared profile with a shipped one's name is laid over it. Raises ConfigError naming the
    profile, the key and what would be right.
    """
    templates = shipped() if declared else {}  # reading them costs a start-up 40 ms
    profiles = [
        _checked(name, merged(templates.get(name, _EMPTY), given))
        for name, given in declared.items()
    ]
    return [profile for profile in profiles if profile.enabled]


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `below` with `above` laid over it; mappings are joined, everything else replaced."""
    joined = dict(below)
    for key, value in above.items():
        under = joined.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            joined[key] = merged(under, value)
        else:
            joined[key] = value
    return joined


def _checked(name: str, data: Mapping[str, Any]) -> Profile:
    where = f"{SECTION}.profiles.{name}"
    try:
        profile = Profile.model_validate({**data, "name": name})
        schema_of(name, profile.parameters)
    except ValidationError as error:
        raise ConfigError(f"{where}{_first(error, data)}", code="invalid_profile") from None
    if empty := [key for key, value in profile.variables.items() if not value]:
        raise ConfigError(f"{where}.variables.{empty[0]} is empty: set it.", code="invalid_profile")
    return profile


def _first(error: ValidationError, data: Mapping[str, Any]) -> str:
    """Return the first thing wrong: its key, what it is, and the nearest right key."""
    first = error.errors()[0]
    key = "".join(f".{part}" for part in first["loc"] if part not in ("str", "When", "int"))
    if first["type"] == "extra_forbidden":
        known = _keys_beside(first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        return f"{key}: there is no such key.{meant}"
    if first["type"] == "missing":
        return f"{key}: is required."
    return f"{key}: {first['msg'].removeprefix('Value error, ')}."


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that may stand where an unknown one stood."""
    model: Any = Profile
    for part in location[:-1]:
        fields = getattr(model, "model_fields", {})
        if part in fields:
            model = _model_in(fields[part].annotation)
    return list(getattr(model, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    inner = [annotation, *getattr(annotation, "__args__", ())]
    return next((each for each in inner if hasattr(each, "model_fields")), None)
