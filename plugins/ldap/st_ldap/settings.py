"""The `ldap:` block of the configuration file: one directory, as an administrator would enter it on
the page. Nothing here is needed for directories that are kept in the database."""

from __future__ import annotations

from typing import Any

from st_core.contracts import Setting


def _of_record(name: str, kind: Any, help: str, **more: Any) -> Setting:
    return Setting(f"ldap.{name}", kind | None, None, help, **more)


SETTINGS = [
    _of_record("enabled", bool, "Take this directory's passwords at the sign-in."),
    _of_record("provider", str, "Name of this directory. Not given: ldap."),
    _of_record(
        "auto_create_users",
        bool,
        "Make an account at the first sign-in; off, only known people come in.",
    ),
    _of_record("default_levels", list[str], "Levels of a person whose groups mean nothing here."),
    _of_record("level_mapping", dict[str, Any], "Levels by group, or groups by level."),
    _of_record(
        "server",
        str | list[str],
        "Servers, such as ldaps://ldap.corp.com:636; the next is asked when one does not answer.",
        env="SIMPLETUNER_LDAP_SERVER",
    ),
    _of_record(
        "base_dn",
        str,
        "Where the directory begins, such as DC=corp,DC=com.",
        env="SIMPLETUNER_LDAP_BASE_DN",
    ),
    _of_record("bind_dn", str, "Who searches the directory.", env="SIMPLETUNER_LDAP_BIND_DN"),
    _of_record(
        "bind_password",
        str,
        "The password of bind_dn.",
        secret=True,
        env="SIMPLETUNER_LDAP_BIND_PASSWORD",
    ),
    _of_record("use_ssl", bool, "TLS from the start, for servers given without ldaps://."),
    _of_record("start_tls", bool, "TLS on an ldap:// connection."),
    _of_record("verify_ssl", bool, "Check the directory's certificate; off for trials."),
    _of_record("user_search_base", str, "Where people are searched. Not given: base_dn."),
    _of_record(
        "user_search_filter",
        str,
        "Filter that finds one person; {username} is filled in.",
        env="SIMPLETUNER_LDAP_USER_FILTER",
    ),
    _of_record("domain", str, "The DOMAIN of names written DOMAIN\\name. Not given: any."),
    _of_record("username_attribute", str, "Attribute a new account is named after."),
    _of_record("email_attribute", str, "Attribute of the e-mail address. Not given: mail."),
    _of_record(
        "display_name_attribute", str, "Attribute of the display name. Not given: displayName."
    ),
    _of_record(
        "group_attribute", str, "Attribute that names a person's groups. Not given: memberOf."
    ),
    _of_record("group_search_base", str, "Where groups are searched. Not given: base_dn."),
    _of_record(
        "group_search_filter",
        str,
        "Filter that finds a person's groups; {user_dn} and {username} are filled in.",
    ),
    _of_record("nested_groups", bool, "Whoever is in a group of a group is in both."),
    _of_record(
        "timeout_seconds",
        int,
        "Longest wait for one answer.",
        unit="seconds",
        minimum=1,
        maximum=60,
    ),
    _of_record("resync", bool, "Deactivate people who are not in the directory any more."),
]
