"""Active Directory's primary group, which neither `member` nor `memberOf` names, is a group like
any other."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import SignedIn
from st_core.services import external_auth
from tests.plugins.ldap.conftest import Answer
from tests.testbed.slapd import AD, Slapd

Ask = Callable[..., Answer]
Provide = Callable[..., None]
PLACE = f"ou=Users,{AD}"  # where Windows has it too: outside the base of groups
EVERYBODY, OTHERS = f"cn=Domain Users,{PLACE}", f"cn=Guests of another domain,{PLACE}"
ALL = f"cn=Whole House,ou=Groups,{AD}"
EVERY = {
    "instanceType": 4,
    "nTSecurityDescriptor": b"\x01",
    "objectCategory": f"cn=Person,cn=Schema,{AD}",
}
HERE, ELSEWHERE = (21, 1, 0x28292A5C, 3), (21, 9, 9, 9)  # bytes that mean something in a filter


def sid(domain: tuple[int, ...], number: int) -> bytes:
    """Return the bytes of a SID, `number` being the last part."""
    parts = (*domain, number)
    return struct.pack(f"<BB6s{len(parts)}I", 1, len(parts), b"\0\0\0\0\0\x05", *parts)


def group(directory: Any, dn: str, own_sid: bytes, **more: Any) -> None:
    name = dn.split(",")[0].removeprefix("cn=")
    values = {"groupType": -2147483646, "sAMAccountName": name, "objectSid": own_sid}
    directory.add(dn, ["group", "securityPrincipal"], EVERY | values | more)


def person(directory: Any, name: str, **more: Any) -> str:
    dn = f"cn={name},{PLACE}"
    values = {"sn": "Jones", "sAMAccountName": name, "userPassword": f"{name}-pw"}
    values |= {"userAccountControl": 512, "objectSid": sid(HERE, 1105)}
    directory.add(dn, ["user", "securityPrincipal"], EVERY | values | more)
    return dn


@pytest.fixture
def domain(slapd: Slapd) -> Iterator[Any]:
    """Domain Users, a group that holds it, and a group of the same number in another domain."""
    with slapd.admin(AD) as directory:
        group(directory, EVERYBODY, sid(HERE, 513))
        group(directory, OTHERS, sid(ELSEWHERE, 513))
        group(directory, ALL, sid(HERE, 2000), member=[EVERYBODY])
        made = [EVERYBODY, OTHERS, ALL]
        yield lambda name, **more: made.append(person(directory, name, **more))
        for dn in reversed(made):
            directory.delete(dn)


def groups(answer: Answer) -> set[str]:
    assert isinstance(answer, SignedIn), answer
    return {each.split(",")[0].lower() for each in answer.person.groups}


def test_a_person_is_in_the_primary_group_and_those_that_hold_it(
    app: Flask, domain: Any, provide: Provide, ask: Ask, corp: dict[str, Any]
) -> None:
    domain("erin", primaryGroupID=513)
    provide(corp, level_mapping={"lead": [EVERYBODY.upper()]}, default_levels=[])
    found = ask("erin", "erin-pw")
    assert groups(found) == {"cn=domain users", "cn=whole house"}
    assert isinstance(found, SignedIn)
    with app.app_context():
        user = external_auth.sign_in("dir", found.person)
        assert [level.name for level in user.levels] == ["lead"]


def test_without_nested_groups_the_primary_group_counts_alone(
    domain: Any, provide: Provide, ask: Ask, corp: dict[str, Any]
) -> None:
    domain("erin", primaryGroupID=513)
    provide(corp | {"nested_groups": False, "group_search_base": f"ou=Groups,{AD}"})
    assert groups(ask("erin", "erin-pw")) == {"cn=domain users"}


@pytest.mark.parametrize(
    "more",
    [
        {"primaryGroupID": 514},
        {"primaryGroupID": -513},
        {"primaryGroupID": 513, "objectSid": b"\x01\x05short"},
        {"primaryGroupID": 513, "objectSid": b"\x02" + sid(HERE, 1105)[1:]},
        {"primaryGroupID": 513, "objectSid": sid((21, 4, 4, 4), 1105)},
        {"objectSid": sid(HERE, 513)},
    ],
)
def test_what_names_no_group_of_the_own_domain_gives_none(
    domain: Any, provide: Provide, ask: Ask, corp: dict[str, Any], more: dict[str, Any]
) -> None:
    domain("erin", **more)
    provide(corp)
    assert groups(ask("erin", "erin-pw")) == set()
