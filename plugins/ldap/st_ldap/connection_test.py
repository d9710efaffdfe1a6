"""The test button: each step of a sign-in up to the password, and what to do where it ends."""

from __future__ import annotations

from collections.abc import Iterator

import ldap3

from st_core.contracts import TestStep

from . import connecting, searching
from .connecting import Target, Trouble
from .directory_config import LdapConfig

_ADVICE = {
    "resolve": "",
    "connect": "",
    "TLS": "",
    "bind": "Check bind_dn and bind_password; Active Directory also takes name@domain as bind_dn.",
    "search": "Check the base, and that bind_dn may read there.",
}


def walk(config: LdapConfig) -> list[TestStep]:
    """Return the steps; the last one is the one that failed, if any did.

    Of several servers the first that can be connected to is walked.
    """
    steps: list[TestStep] = []
    try:
        for step in _steps(config):
            steps.append(step)
            if not step.passed:
                break
    except Trouble as error:
        advice = f"{error.detail} {_ADVICE.get(error.step, '')}".strip()
        steps.append(TestStep(_name_of(error.step, steps), False, advice))
    return steps


def _steps(config: LdapConfig) -> Iterator[TestStep]:
    target, connection, passed_over = _first(config)
    try:
        yield TestStep("resolve", True, target.host)
        yield TestStep("connect", True, _connected(target, passed_over))
        yield TestStep("TLS", True, _tls(target, config))
        connecting.bind_service(connection, config)
        yield TestStep("bind", True, config.bind_dn or "anonymous")
        yield _base(connection, config)
        yield _people(connection, config)
        yield _groups(connection, config)
    finally:
        connecting.close(connection)


def _first(config: LdapConfig) -> tuple[Target, ldap3.Connection, list[str]]:
    """Return the first server that answers. Raises Trouble of the last when none does."""
    passed_over: list[str] = []
    trouble = Trouble("connect", "no server is configured")
    for target in connecting.targets(config):
        try:
            return target, connecting.opened(target, config), passed_over
        except Trouble as error:
            passed_over.append(f"{target}: {error.detail}")
            trouble = error
    raise trouble


def _connected(target: Target, passed_over: list[str]) -> str:
    before = f"; passed over: {' '.join(passed_over)}" if passed_over else ""
    return f"{target}{before}"


def _tls(target: Target, config: LdapConfig) -> str:
    if target.is_plain:
        return "Warning: none. Passwords travel in the clear; use ldaps:// or start_tls."
    if not config.verify_ssl:
        return "Warning: the certificate is not checked (verify_ssl is off)."
    return "the certificate is trusted and names the server"


def _base(connection: ldap3.Connection, config: LdapConfig) -> TestStep:
    for base in dict.fromkeys((config.people_base, config.groups_base)):
        if not searching.entries(connection, base, "(objectClass=*)", ["1.1"], base=True):
            return TestStep("search base", False, f"There is no {base}, or bind_dn may not see it.")
    return TestStep("search base", True, config.people_base)


def _people(connection: ldap3.Connection, config: LdapConfig) -> TestStep:
    anybody = config.user_search_filter.replace("{username}", "*")
    if not searching.entries(connection, config.people_base, anybody, ["1.1"], most=1):
        return TestStep(
            "user filter",
            False,
            f"{anybody} finds nobody below {config.people_base}. Check the attribute; Active "
            "Directory has sAMAccountName, others uid.",
        )
    return TestStep("user filter", True, anybody)


def _groups(connection: ldap3.Connection, config: LdapConfig) -> TestStep:
    by_attribute = f"({config.group_attribute}=*)"
    if searching.entries(connection, config.people_base, by_attribute, ["1.1"], most=1):
        return TestStep("groups", True, f"people have {config.group_attribute}")
    query = config.group_search_filter.replace("{user_dn}", "*").replace("{username}", "*")
    if searching.entries(connection, config.groups_base, query, ["1.1"], most=1):
        return TestStep("groups", True, f"groups are found by {config.group_search_filter}")
    return TestStep(
        "groups",
        False,
        f"Nobody has {config.group_attribute}, and {query} finds no group below "
        f"{config.groups_base}. Without groups everybody gets the default levels.",
    )


def _name_of(step: str, before: list[TestStep]) -> str:
    """Return the name of the step that failed: a search may be any of the last three."""
    if step != "search":
        return step
    return ("search base", "user filter", "groups")[max(len(before) - 4, 0)]
