"""How one directory is configured: the fields of its record (contract 1.11), checked.

Filters hold `{username}` and `{user_dn}`, which are filled in escaped and nothing else is.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from st_core import outgoing

Dn = Annotated[str, Field(max_length=1000)]
Filter = Annotated[str, Field(max_length=2000)]
Attribute = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9;-]*$")]
#: The attribute a filter compares the name with.
_COMPARED = re.compile(r"\(\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*\{username\}\s*\)")


def _also(name: str, other: str) -> AliasChoices:
    return AliasChoices(name, other)


class LdapConfig(BaseModel):
    """One directory, as an administrator describes it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    server: list[str] = Field(
        validation_alias=_also("server", "server_url"),
        min_length=1,
        max_length=10,
        title="Servers",
        description="ldaps://host:636 or ldap://host:389; the next is asked when one does not "
        "answer.",
        json_schema_extra={"destination": True},
    )
    base_dn: Dn = Field(min_length=1, title="Base DN", description="Such as DC=corp,DC=com.")
    bind_dn: Dn = Field(
        "", title="Bind DN", description="Who searches the directory; empty: nobody, anonymously."
    )
    bind_password: str = Field(
        "", max_length=1000, title="Bind password", json_schema_extra={"secret": True}
    )
    use_ssl: bool = Field(
        False, title="TLS from the start (ldaps)", description="For servers given without ldaps://."
    )
    start_tls: bool = Field(False, title="StartTLS", description="TLS on an ldap:// connection.")
    verify_ssl: bool = Field(
        True,
        title="Check the certificate",
        description="Off only for a trial: whoever sits on the way reads every password.",
    )
    user_search_base: Dn | None = Field(
        None, validation_alias=_also("user_search_base", "user_base_dn"), title="Base of people"
    )
    user_search_filter: Filter = Field(
        "(uid={username})",
        validation_alias=_also("user_search_filter", "user_filter"),
        title="Filter for people",
        description="Active Directory: (sAMAccountName={username}).",
    )
    domain: str | None = Field(
        None,
        max_length=100,
        title="Windows domain",
        description="The DOMAIN of DOMAIN\\name; not given: any is taken.",
    )
    username_attribute: Attribute | None = Field(
        None, title="Attribute of the name", description="Not given: the one of the filter."
    )
    email_attribute: Attribute = Field("mail", title="Attribute of the e-mail")
    display_name_attribute: Attribute = Field("displayName", title="Attribute of the display name")
    group_attribute: Attribute = Field("memberOf", title="Attribute that names a person's groups")
    group_search_base: Dn | None = Field(None, title="Base of groups")
    group_search_filter: Filter = Field(
        "(member={user_dn})",
        title="Filter for groups",
        description="Asked beside the attribute; also with {username}, as for posixGroup.",
    )
    nested_groups: bool = Field(
        True, title="Groups in groups", description="Whoever is in a group of a group is in both."
    )
    timeout_seconds: int = Field(5, ge=1, le=60, title="Timeout")
    resync: bool = Field(
        True,
        title="Look after people who left",
        description="Once an hour: who is not in the directory any more is deactivated.",
    )

    @field_validator("server", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (
            [word for word in re.split(r"[,\s]+", value) if word]
            if isinstance(value, str)
            else value
        )

    @field_validator("server")
    @classmethod
    def _are_servers(cls, value: list[str]) -> list[str]:
        for text in value:
            scheme, host, _port = split_server(text)
            if scheme not in ("ldap", "ldaps", "") or not host:
                raise ValueError(f"{text!r} is no server; write ldaps://host:636")
            outgoing.check_host(host, "config.server")
        return value

    @field_validator("user_search_filter", "group_search_filter")
    @classmethod
    def _is_a_filter(cls, value: str) -> str:
        check_filter(value)
        return value

    @field_validator("base_dn", "bind_dn", "user_search_base", "group_search_base")
    @classmethod
    def _is_a_dn(cls, value: str | None) -> str | None:
        if value and "=" in value:
            check_dn(value)
        return value or None if value is None else value

    @model_validator(mode="after")
    def _fits_together(self) -> LdapConfig:
        if "{username}" not in self.user_search_filter:
            raise ValueError("user_search_filter must hold {username}")
        if self.bind_dn and not self.bind_password:
            raise ValueError(
                "bind_dn needs bind_password: without one the directory takes it as nobody"
            )
        schemes = {split_server(text)[0] for text in self.server}
        if self.start_tls and (self.use_ssl or "ldaps" in schemes):
            raise ValueError("start_tls is for ldap:// servers; an ldaps:// server has TLS already")
        if self.use_ssl and "ldap" in schemes:
            raise ValueError("use_ssl is on, but a server begins with ldap://; write ldaps://")
        return self

    @property
    def people_base(self) -> str:
        """Where people are searched."""
        return self.user_search_base or self.base_dn

    @property
    def groups_base(self) -> str:
        """Where groups are searched."""
        return self.group_search_base or self.base_dn

    @property
    def name_attribute(self) -> str:
        """The attribute that holds a person's name."""
        found = _COMPARED.search(self.user_search_filter)
        return self.username_attribute or (found[1] if found else "uid")

    @property
    def principal_filter(self) -> str:
        """The filter for people by name@domain, where the one for people asks Active Directory's
        sAMAccountName; else empty."""
        found = _COMPARED.search(self.user_search_filter)
        if found is None or found[1].lower() != "samaccountname":
            return ""
        return self.user_search_filter.replace(found[0], "(userPrincipalName={username})")


def split_server(text: str) -> tuple[str, str, int | None]:
    """Return scheme (may be empty), host and port (None: the usual one) of a server.

    Raises ValueError when it is no such address.
    """
    parts = urlsplit(text if "://" in text else f"//{text}")
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{text!r}: write only ldaps://host:port")
    return parts.scheme, parts.hostname or "", parts.port


def check_filter(template: str) -> None:
    """Raise ValueError when a filter is none once it is filled in."""
    from ldap3.core.exceptions import LDAPExceptionError  # heavy: only where a directory is
    from ldap3.operation.search import parse_filter

    filled = template.replace("{username}", "x").replace("{user_dn}", "cn=x")
    try:
        if "{" in filled or "}" in filled:
            raise ValueError(f"{template!r}: only {{username}} and {{user_dn}} are filled in")
        parse_filter(filled, None, False, False, None, False)
    except LDAPExceptionError as error:
        raise ValueError(f"{template!r} is no LDAP filter: {error}") from error


def check_dn(text: str) -> None:
    """Raise ValueError when a text with `=` in it is no distinguished name."""
    from ldap3.core.exceptions import LDAPInvalidDnError  # heavy, see above
    from ldap3.utils.dn import parse_dn

    try:
        parse_dn(text)
    except LDAPInvalidDnError as error:
        raise ValueError(f"{text!r} is no distinguished name: {error}") from error
