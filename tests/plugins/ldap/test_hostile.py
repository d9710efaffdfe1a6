"""What people and servers of ill will try at a directory's door: none of it opens."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import Rejected, SignedIn, Viewer
from st_core.errors import Malformed
from st_core.services import auth_providers, external_auth, settings
from st_core.services.auth_providers import Wanted
from tests.exam import Exam
from tests.plugins.ldap.conftest import Answer
from tests.plugins.ldap.impostor import Impostor
from tests.testbed.certificates import Authority
from tests.testbed.slapd import ORG, Slapd

Ask = Callable[..., Answer]
Provide = Callable[..., None]
CANARY = "canary-pw-51c2"
#: StartTLS answered with "unavailable" (52): an extended response to message 1.
NO_TLS = bytes.fromhex("300c02010178070a01340400 0400".replace(" ", ""))


@pytest.fixture
def impostor() -> Iterator[Callable[..., Impostor]]:
    made: list[Impostor] = []

    def make(answer: bytes = b"", **how: Any) -> Impostor:
        made.append(Impostor(answer, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


NAMES = [
    "*",
    "a*",
    "alice*",
    "alice)(uid=*",
    "alice)(|(uid=*",
    "*)(&",
    "alice)(&)",
    "alice))(|(cn=*",
    "*)(uid=alice",
    "\\2a",
    "\\61lice",
    "alice\x00",
    "\x00",
    "＊",
    "alice,ou=people,dc=example,dc=org",
    f"uid=alice,ou=people,{ORG}",
    "{username}",
    "{user_dn}",
    "alice\n",
    "x" * 10_000,
    " ",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_taken_for_a_part_of_the_filter(
    provide: Provide, ask: Ask, org: dict[str, Any], name: str
) -> None:
    provide(org)
    answer = ask(name, "alice-pw")
    assert not isinstance(answer, SignedIn)
    assert answer is None or "match" not in answer.reason


def test_fuzzed_names_find_nobody_but_their_own(
    app: Flask, slapd: Slapd, provide: Provide, org: dict[str, Any], exam: Exam
) -> None:
    from st_ldap import connecting, searching, signing_in

    provide(org | {"server": slapd.url})
    signs = "*()\\&|!=<>~/,;+\"#{}@ \x00\x01\x7fäß＊☃aAlice0\u00ad\u202e\ufeff%'`$:-_."
    words = (
        "alice",
        "(uid=*)",
        ")(|(",
        "*)(",
        "\\2a",
        "\\28",
        "{username}",
        "objectClass",
        ")(cn=",
    )
    with app.app_context():
        config = signing_in.config_of(auth_providers.find("dir"))
        with connecting.bound(config) as directory:
            for _ in range(exam.count("fuzzed user names", 400, 10_000)):
                pieces = [
                    exam.random.choice(words)
                    if exam.random.random() < 0.3
                    else exam.random.choice(signs)
                    for _ in range(exam.random.randrange(1, 12))
                ]
                name = "".join(pieces)
                found = searching.person(directory, config, name)
                own = "" if found is None else found.text("uid")
                folded = name.rpartition("\\")[2].lower().strip()
                assert own in ("", "".join(c for c in folded if c.isalnum())), repr(name)


@pytest.mark.parametrize(
    "password", ["", "\u00ad", "\u00ad\u200b\ufe00", "\x00", "\x07", "alice-pw\x00"]
)
def test_a_password_that_is_empty_also_once_prepared_never_binds(
    provide: Provide, ask: Ask, org: dict[str, Any], password: str
) -> None:
    provide(org)
    answer = ask("alice", password)
    assert isinstance(answer, Rejected)
    assert not answer.unavailable


def test_two_entries_of_one_name_are_nobody(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    first = slapd.add_person("twin", userPassword="same")
    second = f"uid=twin,ou=groups,{ORG}"
    with slapd.admin() as directory:
        values = {"cn": "Twin", "sn": "Two", "userPassword": "same"}
        directory.add(second, "inetOrgPerson", values)
    provide(org)
    answer = ask("twin", "same")
    slapd.remove(second)
    assert isinstance(answer, Rejected)
    assert "2 entries match" in answer.reason
    assert isinstance(ask("twin", "same"), SignedIn)
    slapd.remove(first)


def test_a_certificate_nobody_vouches_for_is_refused_before_any_password(
    make_app: Callable[..., Flask], org: dict[str, Any], slapd: Slapd, tmp_path: Path
) -> None:
    from st_core.contracts import LoginAttempt
    from st_core.testing import people

    app = make_app(
        plugins=["ldap"],
        network__allowed_private=["127.0.0.1"],
        tls__ca_bundle=str(Authority(tmp_path / "other").bundle),
    )
    admin = people.viewer_of(app, people.make_user(app, "admin"))
    with app.app_context():
        for name, config in (
            ("ldaps", org),
            ("starttls", org | {"server": slapd.url, "start_tls": True}),
        ):
            auth_providers.create(admin, name, "ldap", Wanted(config=config))
            attempt = LoginAttempt(provider=name)
            answer = app.extensions["st"].plugins.check_password("alice", "alice-pw", attempt)
            assert isinstance(answer, Rejected)
            assert answer.unavailable
            assert answer.reason.startswith("TLS: ")
        unchecked = org | {"verify_ssl": False}
        auth_providers.create(admin, "trial", "ldap", Wanted(config=unchecked))
        attempt = LoginAttempt(provider="trial")
        answer = app.extensions["st"].plugins.check_password("alice", "alice-pw", attempt)
        assert isinstance(answer, SignedIn)
        steps = {step.name: step.message for step in auth_providers.test("trial")[0]}
        assert steps["TLS"].startswith("Warning: the certificate is not checked")


def test_a_certificate_of_another_server_is_refused(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **how: real(
            "127.0.0.1" if host.endswith("example.org") else host, *rest, **how
        ),
    )
    provide(org | {"server": f"ldaps://ldap.example.org:{slapd.tls_port}"}, "right")
    provide(org | {"server": f"ldaps://other.example.org:{slapd.tls_port}"}, "wrong")
    assert isinstance(ask("alice", "alice-pw", "right"), SignedIn)
    answer = ask("alice", "alice-pw", "wrong")
    assert isinstance(answer, Rejected)
    assert answer.unavailable


def test_a_server_that_will_not_start_tls_gets_no_password(
    provide: Provide, ask: Ask, org: dict[str, Any], impostor: Callable[..., Impostor]
) -> None:
    server = impostor(NO_TLS, hangs_up=False)
    config = {"server": f"ldap://127.0.0.1:{server.port}", "start_tls": True, "timeout_seconds": 1}
    provide(org | config | {"bind_password": CANARY})
    answer = ask("alice", CANARY)
    assert isinstance(answer, Rejected)
    assert answer.unavailable
    assert server.visits
    assert CANARY.encode() not in server.seen


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\x30\x84\xff\xff\xff\xff", b"\x30\x00" * 50]
)
def test_a_server_that_talks_nonsense_is_away(
    provide: Provide,
    ask: Ask,
    org: dict[str, Any],
    impostor: Callable[..., Impostor],
    answer: bytes,
) -> None:
    server = impostor(answer)
    provide(org | {"server": f"ldap://127.0.0.1:{server.port}", "timeout_seconds": 1})
    got = ask("alice", "alice-pw")
    assert isinstance(got, Rejected)
    assert got.unavailable


def test_a_server_that_never_answers_is_away_after_its_time(
    provide: Provide, ask: Ask, org: dict[str, Any], impostor: Callable[..., Impostor]
) -> None:
    server = impostor(hangs_up=False)
    provide(org | {"server": f"ldap://127.0.0.1:{server.port}", "timeout_seconds": 1})
    answer = ask("alice", "alice-pw")
    assert isinstance(answer, Rejected)
    assert answer.unavailable


def test_references_to_other_servers_are_not_followed(
    slapd: Slapd,
    provide: Provide,
    ask: Ask,
    org: dict[str, Any],
    impostor: Callable[..., Impostor],
) -> None:
    elsewhere = impostor()
    dn = f"cn=elsewhere,ou=people,{ORG}"
    with slapd.admin() as directory:
        directory.add(
            dn,
            ["referral", "extensibleObject"],
            {"cn": "elsewhere", "ref": f"ldap://127.0.0.1:{elsewhere.port}/{ORG}"},
        )
    provide(org)
    try:
        assert isinstance(ask("alice", "alice-pw"), SignedIn)
        assert ask("elsewhere", "x") is None
    finally:
        with slapd.admin() as directory:
            directory.delete(dn, controls=[("2.16.840.1.113730.3.4.2", True, None)])
    assert elsewhere.visits == 0


def test_a_name_that_points_into_a_network_nobody_listed_is_not_asked(
    app: Flask,
    admin: Viewer,
    slapd: Slapd,
    provide: Provide,
    ask: Ask,
    org: dict[str, Any],
    impostor: Callable[..., Impostor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = impostor(hangs_up=False)
    answers = [["127.0.0.1"], ["10.0.0.7"], ["127.0.0.1", "169.254.169.254"]]
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **how: Any) -> Any:
        if host != "rebound.example.org":
            return real(host, port, *rest, **how)
        return [(*kind, (text, port)) for text in (answers.pop(0) if answers else ["10.0.0.7"])]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    config = {"server": f"ldaps://rebound.example.org:{server.port}", "timeout_seconds": 1}
    provide(org | config)
    for visits in (1, 1, 1):
        answer = ask("alice", "alice-pw")
        assert isinstance(answer, Rejected)
        assert answer.unavailable
        assert server.visits == visits
    assert "resolve: " in answer.reason


@pytest.mark.parametrize(
    "change",
    [
        {"server": "ldaps://10.0.0.7:636"},
        {"server": "ldaps://169.254.169.254"},
        {"server": "ldap://2130706433"},
        {"server": "ldaps://user:pw@127.0.0.1"},
        {"server": "ldapi:///var/run/slapd"},
        {"server": "http://127.0.0.1"},
        {"server": "ldaps://127.0.0.1/dc=x"},
        {"server": []},
        {"user_search_filter": "(uid={username}"},
        {"user_search_filter": "(uid=alice)"},
        {"user_search_filter": "(uid={username})(cn={password})"},
        {"user_search_filter": "(uid={username.__class__})"},
        {"group_search_filter": "member={user_dn}"},
        {"bind_password": ""},
        {"base_dn": "=nonsense,,"},
        {"email_attribute": "mail)(uid=*"},
        {"start_tls": True},
        {"no_such_field": 1},
    ],
)
def test_a_config_that_cannot_be_meant_is_refused_with_its_field(
    provide: Provide, org: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(Malformed) as refused:
        provide(org | change)
    assert all(each["path"].startswith("config") for each in refused.value.fields)
    assert "service-secret" not in str(refused.value.fields) + refused.value.detail


def test_plain_ldap_is_for_listed_hosts(
    app: Flask,
    admin: Viewer,
    slapd: Slapd,
    provide: Provide,
    ask: Ask,
    org: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    public = lambda host, port, *_rest, **_how: [(*kind, ("93.184.216.34", port))]  # noqa: E731
    provide(org | {"server": "ldap://public.example.org"})
    monkeypatch.setattr(socket, "getaddrinfo", public)
    answer = ask("alice", "alice-pw")
    assert isinstance(answer, Rejected)
    assert "TLS only" in answer.reason


def test_a_group_of_the_same_short_name_elsewhere_is_another_group(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    dn = slapd.add_person("mallory")
    lookalike = f"cn=ml-admins,ou=people,{ORG}"
    with slapd.admin() as directory:
        directory.add(lookalike, "groupOfNames", {"member": [dn]})
    spelt = f"cn=ml-admins,ou=groups,{ORG}"
    provide(org, level_mapping={"admin": [spelt]})
    answer = ask("mallory", "mallory-pw")
    slapd.remove(lookalike)
    slapd.remove(dn)
    assert isinstance(answer, SignedIn)
    assert spelt not in answer.person.groups


def test_names_of_entries_and_groups_may_hold_every_sign(
    slapd: Slapd, provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    dn = f"uid=odd*(name)\\2cx,ou=people,{ORG}"
    group = f"cn=a\\2cb*(c)\\5c\\3d,ou=groups,{ORG}"
    outer = f"cn=outer*,ou=groups,{ORG}"
    with slapd.admin() as directory:
        values = {"cn": "<b>Odd</b>\u202e", "sn": "O", "userPassword": "odd-pw"}
        directory.add(dn, "inetOrgPerson", values)
        directory.add(group, "groupOfNames", {"member": [dn]})
        directory.add(outer, "groupOfNames", {"member": [group]})
    provide(org, level_mapping={"lead": [group], "admin": ["outer"]})
    provide(org | {"group_attribute": "description"}, "by search")
    answers = [ask("odd*(name),x", "odd-pw", name) for name in ("dir", "by search")]
    other = ask("odd*", "odd-pw")
    for each in (outer, group, dn):
        slapd.remove(each)
    for answer in answers:
        assert isinstance(answer, SignedIn)
        assert {"a,b*(c)\\=", "outer*"} <= {_cn(each) for each in answer.person.groups}
    assert isinstance(answers[0], SignedIn)
    assert group in answers[0].person.groups
    assert "outer" not in answers[0].person.groups
    assert other is None


def _cn(dn: str) -> str:
    from ldap3.utils.dn import parse_dn

    value: str = parse_dn(dn)[0][1]
    return re.sub(
        r"\\([0-9a-fA-F]{2})|\\(.)",
        lambda found: chr(int(found[1], 16)) if found[1] else found[2],
        value,
    )


def test_the_password_of_an_account_here_never_reaches_a_directory(
    app: Flask,
    admin: Viewer,
    provide: Provide,
    org: dict[str, Any],
    impostor: Callable[..., Impostor],
) -> None:
    server = impostor(hangs_up=False)
    provide(org | {"server": f"ldap://127.0.0.1:{server.port}", "timeout_seconds": 1})
    body = {"username": "root", "password": CANARY}
    assert app.test_client().post("/api/auth/login", json=body).status_code == 401
    assert server.visits == 0


def test_a_directory_that_is_switched_off_or_no_longer_listed_is_not_asked(
    app: Flask, admin: Viewer, provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    provide(org)
    known = ask("alice", "alice-pw")
    assert isinstance(known, SignedIn)
    with app.app_context():
        auth_providers.change(admin, "dir", Wanted(enabled=False))
    assert ask("alice", "alice-pw") is None
    with app.app_context(), pytest.raises(Exception, match="switched off"):
        external_auth.sign_in("dir", known.person)


def test_taking_the_host_from_the_list_holds_at_once(
    make_app: Callable[..., Flask], slapd: Slapd, org: dict[str, Any]
) -> None:
    from st_core.contracts import LoginAttempt
    from st_core.testing import people

    app = make_app(plugins=["ldap"], tls__ca_bundle=str(slapd.authority.bundle))
    admin = people.viewer_of(app, people.make_user(app, "admin"))
    with app.app_context():
        plugins, key = app.extensions["st"].plugins, "network.allowed_private"
        settings.change(admin, {key: ["127.0.0.0/8"]})
        auth_providers.create(admin, "dir", "ldap", Wanted(config=org))
        assert isinstance(plugins.check_password("alice", "alice-pw", LoginAttempt()), SignedIn)
        settings.change(admin, {key: []})
        answer = plugins.check_password("alice", "alice-pw", LoginAttempt())
        assert not isinstance(answer, SignedIn)


def test_a_wrong_service_password_is_no_wrong_password_of_a_person(
    provide: Provide, ask: Ask, org: dict[str, Any]
) -> None:
    provide(org | {"bind_password": "wrong"})
    answer = ask("alice", "alice-pw")
    assert isinstance(answer, Rejected)
    assert answer.unavailable
    assert answer.reason.startswith("bind: ")
