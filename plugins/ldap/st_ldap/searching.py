"""Searches in a directory: the one entry of a person, and their groups, nested ones included.

What people type is only ever a *value* in a filter, escaped (RFC 4515). An answer is *conclusive*
when the directory says it is whole; everything else is Trouble.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.core.results import RESULT_NO_SUCH_OBJECT, RESULT_SIZE_LIMIT_EXCEEDED, RESULT_SUCCESS
from ldap3.utils.conv import escape_bytes, escape_filter_chars
from ldap3.utils.dn import parse_dn

from . import primary_group
from .connecting import NO_ANSWER, Trouble
from .directory_config import LdapConfig

log = logging.getLogger(__name__)
#: The directory's own name for an entry that never changes; the first that is there counts.
ID_ATTRIBUTES = ("entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID")
_PLACE = re.compile(r"\{(username|user_dn)\}")
MOST_GROUPS = 1000
DEEPEST_NESTING = 20
GROUPS_AT_ONCE = 50


class SeveralMatch(Exception):
    """More than one entry answers to a name, so nobody can tell whose it is."""


@dataclass(frozen=True)
class Entry:
    """An entry of a directory; attribute names are in lower case, values as they came."""

    dn: str
    attributes: dict[str, list[bytes]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the first value of an attribute, empty when it has none."""
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        """Return every value of an attribute."""
        values = self.attributes.get(name.lower(), [])
        return [value.decode("utf-8", "replace") for value in values]


def person(connection: ldap3.Connection, config: LdapConfig, username: str) -> Entry | None:
    """Return the entry of the person who goes by this name, None when there is none.

    `DOMAIN\\name` and `name@domain` are understood as in a Windows domain. Raises SeveralMatch,
    Trouble.
    """
    for query in person_filters(config, username):
        found = entries(connection, config.people_base, query, wanted(config), most=2)
        if len(found) > 1:
            raise SeveralMatch(f"{len(found)} entries match this name")
        if found:
            return found[0]
    return None


def person_filters(config: LdapConfig, username: str) -> list[str]:
    """Return the filters that find a person, the likely one first; none for a foreign domain."""
    domain, backslash, name = username.rpartition("\\")
    if backslash and config.domain and domain.lower() != config.domain.lower():
        return []
    query = config.user_search_filter
    found = [filled(query, username=name if backslash else username)]
    if "@" in username and (by_principal := config.principal_filter):
        found.append(filled(by_principal, username=username))
    return found


def by_id(connection: ldap3.Connection, config: LdapConfig, subject: str) -> Entry | None:
    """Return the entry with this unchanging id (see `subject_of`), None when it is gone."""
    kind, _, value = subject.partition(":")
    if kind == "dn":
        return next(
            iter(entries(connection, value, "(objectClass=*)", wanted(config), base=True)), None
        )
    shown = (
        escape_bytes(bytes.fromhex(value)) if kind == "objectGUID" else escape_filter_chars(value)
    )
    found = entries(connection, config.people_base, f"({kind}={shown})", wanted(config), most=2)
    return found[0] if found else None


def subject_of(entry: Entry) -> str:
    """Return what stands for a person for ever: the directory's own id, else the name in full."""
    for name in ID_ATTRIBUTES:
        if values := entry.attributes.get(name.lower()):
            own = values[0].hex() if name == "objectGUID" else values[0].decode("utf-8", "replace")
            return f"{name}:{own}"
    return f"dn:{entry.dn.lower()}"


def wanted(config: LdapConfig) -> list[str]:
    """Return the attributes that are asked of a person; operational ones come only by name."""
    named = (
        config.name_attribute,
        config.email_attribute,
        config.display_name_attribute,
        config.group_attribute,
    )
    rest = ("cn", "userAccountControl", "nsAccountLock", *primary_group.ATTRIBUTES, *ID_ATTRIBUTES)
    return list(dict.fromkeys((*named, *rest)))


def groups(connection: ldap3.Connection, config: LdapConfig, entry: Entry) -> list[str]:
    """Return the names in full of every group a person is in, directly or through others.

    Active Directory's primary group (`primaryGroupID`) is among them, though no attribute says so.

    At most 1000, at most 20 levels deep; groups that contain each other end nothing. Raises
    Trouble.
    """
    username = entry.text(config.name_attribute)
    direct = entry.texts(config.group_attribute)
    if config.group_search_base or not direct:
        query = filled(config.group_search_filter, username=username, user_dn=entry.dn)
        direct += [each.dn for each in entries(connection, config.groups_base, query, ["cn"])]
    if by_sid := primary_group.filter_for(entry):
        direct += [each.dn for each in entries(connection, config.base_dn, by_sid, ["cn"])]
    found = {comparable(dn): dn for dn in direct}
    if config.nested_groups and "{user_dn}" in config.group_search_filter:
        _add_parents(connection, config, found)
    return list(found.values())


def _add_parents(connection: ldap3.Connection, config: LdapConfig, found: dict[Any, str]) -> None:
    """Add the groups that these groups are in, level by level."""
    level = list(found.values())
    for _ in range(DEEPEST_NESTING):
        above = _parents(connection, config, level)
        level = [dn for dn in above if comparable(dn) not in found]
        found |= {comparable(dn): dn for dn in level}
        if not level:
            return
        if len(found) > MOST_GROUPS:
            break
    log.warning("groups in groups are followed no further than %d groups", len(found))


def _parents(connection: ldap3.Connection, config: LdapConfig, below: Sequence[str]) -> list[str]:
    above = []
    for start in range(0, len(below), GROUPS_AT_ONCE):
        each = [
            filled(config.group_search_filter, username="", user_dn=dn)
            for dn in below[start : start + GROUPS_AT_ONCE]
        ]
        query = f"(|{''.join(each)})"
        above += [entry.dn for entry in entries(connection, config.groups_base, query, ["cn"])]
    return above


def named_groups(dns: Iterable[str], spelt: Iterable[str]) -> tuple[str, ...]:
    """Return the groups under the names an administrator spelt them by, else as they are.

    A name in full is the same however its case and spaces are written; a word alone is a group's
    CN.
    """
    dns = list(dns)
    keys = {comparable(dn) for dn in dns}
    words = {_first_value(dn) for dn in dns}
    meant = [
        name
        for name in spelt
        if (comparable(name) in keys if "=" in name else name.strip().lower() in words)
    ]
    return tuple(dict.fromkeys((*meant, *dns)))


def comparable(dn: str) -> Any:
    """Return a distinguished name in a form in which equal ones are equal."""
    try:
        parts = parse_dn(dn, strip=True)
    except LDAPException:
        return dn.strip().lower()
    return tuple((kind.lower(), " ".join(value.lower().split())) for kind, value, _ in parts)


def _first_value(dn: str) -> str:
    key = comparable(dn)
    return key[0][1] if isinstance(key, tuple) and key else str(key)


def filled(template: str, **values: str) -> str:
    """Return a filter with its values put in, escaped, in one pass: a value never is a template."""
    return _PLACE.sub(lambda found: escape_filter_chars(values[found[1]]), template)


def entries(
    connection: ldap3.Connection,
    base_dn: str,
    query: str,
    attributes: Sequence[str],
    *,
    most: int = 0,
    base: bool = False,
) -> list[Entry]:
    """Return what a search finds below `base_dn` (with `base`, that entry itself).

    With `most`, no more than so many, and that there are more is no Trouble. References to other
    servers are not followed. Raises Trouble, without what was searched (people type passwords as
    names), when the answer is not conclusive.
    """
    scope = ldap3.BASE if base else ldap3.SUBTREE
    try:
        connection.search(
            base_dn, query, scope, attributes=list(attributes), size_limit=most, time_limit=30
        )
    except NO_ANSWER as error:
        raise Trouble("search", f"the search below {base_dn} failed: {error}.") from error
    code = connection.result["result"]
    fine = {RESULT_SUCCESS} | ({RESULT_SIZE_LIMIT_EXCEEDED} if most else set())
    if code == RESULT_NO_SUCH_OBJECT and base:
        return []
    if code not in fine:
        said = " ".join((connection.result["description"], connection.result.get("message") or ""))
        raise Trouble("search", f"the directory did not answer a search below {base_dn}: {said}.")
    return [
        Entry(each["dn"], {key.lower(): list(v) for key, v in each["raw_attributes"].items()})
        for each in connection.response or ()
        if each["type"] == "searchResEntry"
    ]
