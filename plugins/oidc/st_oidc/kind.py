"""The kind of provider this plugin adds, as administrators and the configuration file see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from st_core.contracts import AuthProviderKind, TestStep
from st_core.errors import ConfigError

from . import addresses
from .provider_config import PRESETS, OidcConfig

SECTION = "oidc"
#: Fields of a record beside its config.
_RECORD = ("enabled", "auto_create_users", "default_levels", "level_mapping")
_MAPPING = ("claim", "admin_groups", "user_groups")


def from_file(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Turn the block of the configuration file into the fields of a record.

    `provider` names the record, and the preset that fills in what is not said. `role_mapping` says
    which claim names groups and what they mean. Raises ConfigError naming the key that is wrong.
    """
    said = {name: value for name, value in section.items() if value is not None}
    name = str(said.pop("provider", SECTION))
    roles = said.pop("role_mapping", None)
    record = {key: said.pop(key) for key in _RECORD if key in said}
    if "issuer_url" in said:
        said["issuer"] = said.pop("issuer_url")
    preset = {key: value for key, value in PRESETS.get(name, {}).items() if key != "issuer"}
    config = preset | said
    if roles is not None:
        record |= _levels(roles, record)
        config["groups_claim"] = roles.get("claim", "groups")
    return {"name": name, **record, "config": config}


def _levels(roles: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return which level a group means; whoever is in none of the groups gets no level."""
    if not isinstance(roles, Mapping) or not set(roles) <= set(_MAPPING):
        raise ConfigError(
            f"oidc.role_mapping is {roles!r}; it must be a mapping with some of "
            f"{', '.join(_MAPPING)}."
        )
    mapping = {"admin": roles.get("admin_groups"), "researcher": roles.get("user_groups")}
    levels = {**record.get("level_mapping", {}), **{k: v for k, v in mapping.items() if v}}
    return {"level_mapping": levels, "default_levels": record.get("default_levels", [])}


def _addresses(name: str, origin: str, config: Mapping[str, Any]) -> Mapping[str, str]:
    outside = config.get("redirect_url")
    return {
        "callback": outside or addresses.callbacks(name, origin)[0],
        "sign_out": addresses.signed_out_uri(outside, origin),
    }


def _test(provider: str, config: BaseModel) -> list[TestStep]:
    from . import connection  # Authlib and joserfc are heavy, and start-up has a budget

    assert isinstance(config, OidcConfig)
    return connection.walk(provider, config)


KIND = AuthProviderKind(
    kind="oidc",
    title="OpenID Connect",
    config=OidcConfig,
    test=_test,
    presets=PRESETS,
    file_section=SECTION,
    from_file=from_file,
    addresses=_addresses,
)
