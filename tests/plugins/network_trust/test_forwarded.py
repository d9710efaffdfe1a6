"""X-Forwarded-For and X-Real-IP: which address is believed, and when nobody is sure."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from st_network_trust.forwarded import Caller, address_of, caller_of
from st_network_trust.rules import Rules

#: The guide's own configuration (section 1).
GUIDE = Rules(
    reads_headers=True,
    proxies=(ip_network("10.0.0.0/8"), ip_network("192.168.0.0/16")),
    lets_in=True,
    internal=(ip_network("10.10.0.0/16"),),
)


def found(
    peer: str, chain: str | None = None, real: str | None = None, rules: Rules = GUIDE
) -> Caller:
    """Return who sends a request that comes from `peer` with these headers."""
    environ: dict[str, Any] = {"REMOTE_ADDR": peer}
    if chain is not None:
        environ["HTTP_X_FORWARDED_FOR"] = chain
    if real is not None:
        environ["HTTP_X_REAL_IP"] = real
    return caller_of(environ, rules, is_forwarded=len(environ) > 1)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("  203.0.113.9\t", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.10.1.2", "10.10.1.2"),
        ("[::ffff:10.10.1.2]:80", "10.10.1.2"),
        ("::ffff:a0a:102", "10.10.1.2"),
    ],
)
def test_an_address_is_read_in_every_form_proxies_write(text: str, address: str) -> None:
    assert address_of(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "_SEVKISEK",
        "localhost",
        "trainer.internal",
        "10.10.1",
        "10.10.1.256",
        "010.10.1.2",
        "0x0a0a0102",
        "168427778",
        "10.10.1.2:",
        "10.10.1.2:http",
        "10.10.1.2:123456",
        "10.10.1.2:80:80",
        "[10.10.1.2]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "[]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "10.10.1.2/32",
        '"10.10.1.2"',
        "for=10.10.1.2",
        "10.10.1.2 10.10.1.3",
        "10.10.1.２",
        "10.10.1.2\x00",
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_of(text) is None


@pytest.mark.parametrize(
    ("peer", "chain", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, 10.0.0.5", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9,192.168.3.4,10.0.0.5", "203.0.113.9"),
        ("127.0.0.1", "10.10.1.2, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.10.1.2, 127.0.0.1", "127.0.0.1"),
        ("10.0.0.5", "10.10.1.2, 127.0.0.7", "127.0.0.7"),
        ("127.0.0.1", "10.10.1.2, 203.0.113.9, 10.0.0.5", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 10.10.1.2", "10.10.1.2"),
        ("127.0.0.1", "10.10.9.9, 10.10.1.2, 10.0.0.5", "10.10.1.2"),
        ("127.0.0.1", "10.0.0.7, 10.0.0.5", "10.0.0.7"),
        ("127.0.0.1", "[2001:db8::1]:443, 10.0.0.5:80", "2001:db8::1"),
        ("127.0.0.1", "_hidden, unknown, 203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_walk_from_the_right_ends_at_the_first_who_is_no_proxy_or_is_internal(
    peer: str, chain: str, address: str
) -> None:
    assert found(peer, chain) == Caller(ip_address(address), "", True)


@pytest.mark.parametrize(
    ("peer", "chain", "address"),
    [
        ("127.0.0.1", "_hidden", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.10.1.2,", "127.0.0.1"),
        ("127.0.0.1", "10.10.1.2, unknown", "127.0.0.1"),
        ("127.0.0.1", "10.10.1.2, unknown, 10.0.0.5", "10.0.0.5"),
        ("127.0.0.1", "10.10.1.2 10.0.0.5", "127.0.0.1"),
        ("127.0.0.1", ", ".join(["10.10.1.2"] + ["10.0.0.5"] * 40), "10.0.0.5"),
    ],
)
def test_behind_a_hop_that_cannot_be_read_the_last_one_known_stands_in_doubt(
    peer: str, chain: str, address: str
) -> None:
    caller = found(peer, chain)
    assert (str(caller.address), bool(caller.doubt)) == (address, True)


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "2001:db8::1", "172.16.0.1"])
@pytest.mark.parametrize("headers", [("10.10.1.2", None), (None, "10.10.1.2"), ("127.0.0.1", "x")])
def test_what_an_untrusted_peer_says_counts_for_nothing(
    peer: str, headers: tuple[str | None, str | None]
) -> None:
    caller = found(peer, *headers)
    assert (str(caller.address), caller.is_forwarded) == (peer, False)


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.5", "10.10.1.2"])
def test_without_trust_proxy_headers_nobody_is_a_proxy(peer: str) -> None:
    careful = Rules(proxies=GUIDE.proxies, lets_in=True, internal=GUIDE.internal)
    caller = found(peer, "10.10.9.9", "10.10.9.9", careful)
    assert (str(caller.address), caller.is_forwarded) == (peer, False)
    assert caller.doubt, "whoever forwards for others is no internal caller"


def test_an_internal_peer_is_a_caller_even_within_the_trusted_networks() -> None:
    assert found("10.10.1.2") == Caller(ip_address("10.10.1.2"))
    spoofing = found("10.10.1.2", "10.10.9.9")
    assert str(spoofing.address) == "10.10.1.2"
    assert spoofing.doubt


def test_a_proxy_on_this_machine_counts_where_loopback_itself_is_internal() -> None:
    everyone_here = Rules(reads_headers=True, lets_in=True, internal=(ip_network("127.0.0.0/8"),))
    assert found("127.0.0.1", "203.0.113.9", rules=everyone_here) == Caller(
        ip_address("203.0.113.9"), "", True
    )
    assert found("127.0.0.1", "127.0.0.7", rules=everyone_here).address == ip_address("127.0.0.7")


def test_x_real_ip_alone_names_the_caller() -> None:
    assert found("127.0.0.1", real="10.10.1.2") == Caller(ip_address("10.10.1.2"), "", True)
    assert found("127.0.0.1", real="10.10.1.2, 10.10.1.3").doubt
    assert found("127.0.0.1", real="_hidden").doubt


@pytest.mark.parametrize(
    ("chain", "real"),
    [("203.0.113.9, 10.0.0.5", "10.0.0.5"), ("203.0.113.9, 10.0.0.5", "203.0.113.9")],
)
def test_x_real_ip_may_be_of_any_proxy_of_the_chain(chain: str, real: str) -> None:
    assert found("127.0.0.1", chain, real) == Caller(ip_address("203.0.113.9"), "", True)


@pytest.mark.parametrize("real", ["203.0.113.9", "10.10.9.9", "", "unknown"])
def test_where_the_two_headers_contradict_each_other_nobody_is_sure(real: str) -> None:
    caller = found("127.0.0.1", "10.10.1.2", real)
    assert (str(caller.address), bool(caller.doubt)) == ("10.10.1.2", True)


def test_a_peer_without_a_readable_address_is_nobody() -> None:
    assert found("", "10.10.1.2").address is None
    assert found("localhost", "10.10.1.2").address is None


@given(
    forged=st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.sampled_from(["10.10.1.2", "127.0.0.1", "unknown", "_x", "", "10.0.0.5", "::1"]),
            st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
        ),
        max_size=8,
    )
)
def test_nothing_a_stranger_writes_before_his_own_address_changes_who_he_is(
    forged: list[str],
) -> None:
    chain = ", ".join([*forged, "203.0.113.9"])
    assert found("127.0.0.1", chain) == Caller(ip_address("203.0.113.9"), "", True)
