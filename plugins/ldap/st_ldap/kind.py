"""The kind of provider this plugin adds, as administrators and the configuration file see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from st_core.contracts import AuthProviderKind, TestStep

from .directory_config import LdapConfig

SECTION = "ldap"
#: Fields of a record beside its config.
_RECORD = ("enabled", "auto_create_users", "default_levels", "level_mapping")
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "active_directory": {
        "server": "ldaps://YOUR-DOMAIN-CONTROLLER:636",
        "base_dn": "DC=corp,DC=com",
        "user_search_filter": "(&(objectCategory=person)(sAMAccountName={username}))",
    },
    "openldap": {
        "server": "ldaps://YOUR-SERVER:636",
        "base_dn": "dc=example,dc=org",
        "user_search_filter": "(&(objectClass=inetOrgPerson)(uid={username}))",
    },
    "freeipa": {
        "server": "ldaps://YOUR-SERVER:636",
        "base_dn": "cn=accounts,dc=example,dc=org",
        "user_search_filter": "(&(objectClass=person)(uid={username}))",
    },
}


def from_file(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Turn the block of the configuration file into the fields of a record."""
    said = dict(section)
    name = str(said.pop("provider", SECTION))
    record = {key: said.pop(key) for key in _RECORD if key in said}
    return {"name": name, **record, "config": said}


def _test(provider: str, config: BaseModel) -> list[TestStep]:
    from . import connection_test  # ldap3 is heavy, and start-up has a budget

    assert isinstance(config, LdapConfig)
    return connection_test.walk(config)


KIND = AuthProviderKind(
    kind="ldap",
    title="LDAP / Active Directory",
    config=LdapConfig,
    test=_test,
    presets=PRESETS,
    file_section=SECTION,
    from_file=from_file,
)
