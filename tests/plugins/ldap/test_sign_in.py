"""Passwords that a real directory knows (st_check_password): over ldap, StartTLS and ldaps, Unix
people and Active Directory's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import Rejected, SignedIn
from st_core.services import external_auth, login_methods
from tests.plugins.ldap.conftest import Answer
from tests.testbed.service import free_ports
from tests.testbed.slapd import AD, ORG, Slapd

Ask = Callable[..., Answer]
Provide = Callable[..., None]


def person(answer: Answer) -> Any:
    assert isinstance(answer, SignedIn), answer
    return answer.person


@pytest.mark.parametrize("way", ["ldap", "StartTLS", "ldaps", "host and port"])
def test_a_password_is_checked_over_every_kind_of_connection(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any], way: str
) -> None:
    provide(
        org
        | {
            "ldap": {"server": slapd.url},
            "StartTLS": {"server": slapd.url, "start_tls": True},
            "ldaps": {},
            "host and port": {"server": f"localhost:{slapd.tls_port}", "use_ssl": True},
        }[way]
    )
    found = person(ask("alice", "alice-pw"))
    assert (found.username, found.email, found.email_verified) == (
        "alice",
        "alice@example.org",
        True,
    )
    assert (found.issuer, found.display_name) == ("ldap:dir", "Alice of Example")
    assert found.subject.startswith("entryUUID:")
    assert sorted(each.split(",")[0] for each in found.groups) == ["cn=ml-admins", "cn=ml-users"]
    wrong = ask("alice", "bob-pw")
    assert isinstance(wrong, Rejected)
    assert not wrong.unavailable


def test_the_answer_has_three_values(provide: Provide, ask: Ask, org: dict[str, Any]) -> None:
    provide(org)
    assert isinstance(ask("bob", "bob-pw"), SignedIn)
    assert isinstance(ask("bob", "wrong"), Rejected)
    assert ask("nobody", "wrong") is None
    assert ask("bob", "bob-pw", "another") is None


def test_the_guides_active_directory_gives_the_admin_group_its_level(
    app: Flask, provide: Provide, ask: Ask, corp: dict[str, Any]
) -> None:
    provide(
        corp, "corporate-ad", level_mapping={"CN=ML-Admins,OU=Groups,DC=corp,DC=com": ["admin"]}
    )
    alice = person(ask("alice", "alice-pw"))
    assert "CN=ML-Admins,OU=Groups,DC=corp,DC=com" in alice.groups  # as the administrator spelt it
    with app.app_context():
        user = external_auth.sign_in("corporate-ad", alice)
        assert [level.name for level in user.levels] == ["admin"]
        bob = external_auth.sign_in("corporate-ad", person(ask("bob", "bob-pw")))
        assert [level.name for level in bob.levels] == ["researcher"]


@pytest.mark.parametrize("name", ["alice", "ALICE", "CORP\\alice", "corp\\Alice", "alice@corp.com"])
def test_names_are_understood_as_windows_writes_them(
    provide: Provide, ask: Ask, corp: dict[str, Any], name: str
) -> None:
    provide(corp | {"domain": "CORP"})
    assert person(ask(name, "alice-pw")).username == "alice"


@pytest.mark.parametrize("name", ["EVIL\\alice", "alice@evil.com", "alice@", "\\", "CORP\\"])
def test_names_of_another_domain_are_not_ours(
    provide: Provide, ask: Ask, corp: dict[str, Any], name: str
) -> None:
    provide(corp | {"domain": "CORP"})
    assert ask(name, "alice-pw") is None


def test_an_account_that_is_disabled_in_active_directory_does_not_come_in(
    provide: Provide, ask: Ask, corp: dict[str, Any]
) -> None:
    provide(corp)
    answer = ask("dave", "dave-pw")
    assert isinstance(answer, Rejected)
    assert "disabled" in answer.reason


def test_groups_in_groups_count_and_a_ring_of_groups_ends(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    dn = slapd.add_person("nested")
    inner = slapd.set_members("inner", [dn])
    middle = slapd.set_members("middle", [inner])
    outer = slapd.set_members("outer", [middle])
    slapd.set_members("inner", [dn, outer])
    provide(org)
    assert set(person(ask("nested", "nested-pw")).groups) == {inner, middle, outer}
    provide(org | {"nested_groups": False}, "flat")
    assert set(person(ask("nested", "nested-pw", "flat")).groups) == {inner}


def test_groups_are_found_by_search_where_entries_name_none(
    provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    provide(org | {"group_attribute": "description", "group_search_base": f"ou=groups,{ORG}"})
    groups = person(ask("bob", "bob-pw")).groups
    assert [each.split(",")[0] for each in groups] == ["cn=ml-users"]


def test_groups_are_mapped_however_their_names_are_written(
    provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    spelt = f"CN=ML-Admins , OU=Groups,{ORG.upper()}"
    provide(org, level_mapping={"admin": [spelt], "lead": ["ML-USERS"], "viewer": ["ml"]})
    groups = person(ask("alice", "alice-pw")).groups
    assert spelt in groups
    assert "ML-USERS" in groups
    assert "ml" not in groups


def test_the_next_server_is_asked_when_one_does_not_answer(
    slapd: Slapd,
    provide: Provide,
    ask: Ask,
    org: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    dead, _ = free_ports(2)
    away = f"ldaps://127.0.0.1:{dead}"
    provide(org | {"server": [away, slapd.tls_url]})
    for _ in range(3):
        assert isinstance(ask("alice", "alice-pw"), SignedIn)
    told = [each for each in caplog.messages if away in each and "passed over" in each]
    assert len(told) == 1  # from then on it is asked last


def test_a_directory_that_is_away_is_no_wrong_password_and_the_others_are_asked(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    dead, _ = free_ports(2)
    provide(org | {"server": f"ldaps://127.0.0.1:{dead}"}, "away")
    answer = ask("alice", "alice-pw")
    assert isinstance(answer, Rejected)
    assert answer.unavailable
    provide(org, "here")
    found = ask("alice", "alice-pw")
    assert isinstance(found, SignedIn)
    assert found.provider == "here"


def test_ways_in_are_listed_by_name(app: Flask, provide: Provide, org: dict[str, Any]) -> None:
    provide(org, "Our people")
    provide(org, "off", enabled=False)
    with app.app_context():
        (method,) = login_methods.every()
    assert (method.name, method.kind, method.url) == (
        "Our people",
        "ldap",
        "/login?provider=Our%20people",
    )


def test_the_block_of_the_configuration_file_is_a_directory(
    make_app: Callable[..., Flask], slapd: Slapd, state_dir: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDAP_PASSWORD", "service-account-password")
    (state_dir / "simpletuner-enterprise.yaml").write_text(f"""
network:
  allowed_private: ["127.0.0.1"]
tls:
  ca_bundle: {slapd.authority.bundle}
ldap:
  provider: corporate-ad
  server: {slapd.tls_url}
  base_dn: {AD}
  bind_dn: CN=svc-simpletuner,OU=Service Accounts,{AD}
  bind_password: "${{LDAP_PASSWORD}}"
  user_search_filter: "(sAMAccountName={{username}})"
  level_mapping:
    "CN=ML-Admins,OU=Groups,{AD}": [lead]
""")
    app = make_app(plugins=["ldap"])
    with app.app_context():
        from st_core.contracts import LoginAttempt
        from st_core.services import auth_providers

        record = auth_providers.find("corporate-ad", "ldap")
        assert record.managed_by == "file"
        assert record.level_mapping == {"lead": [f"CN=ML-Admins,OU=Groups,{AD}"]}
        answer = app.extensions["st"].plugins.check_password("alice", "alice-pw", LoginAttempt())
    assert isinstance(answer, SignedIn)
