"""Which addresses a request aimed by a user may go to: pure rules, no network.

Words: a *public* address belongs to somebody on the Internet; a *listed* one lies in a network, or
belongs to a host name, that the administrator named in `network.allowed_private`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address

#: Where clouds hand their machines keys and passwords. A wide network never lists these.
METADATA = frozenset(
    ip_address(text)
    for text in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"),
        *("168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    )
)
#: Given out to nobody although Python takes some of them for global.
_NOT_PUBLIC = tuple(
    map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20"))
)
_UNICAST = ip_network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Listed:
    """What the administrator listed: networks, and host names in lower case."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Listed:
        """Read entries like `10.1.0.0/16`, `10.1.2.3` and `keycloak.internal`.

        Raises ValueError naming the entry that is none of these.
        """
        networks, names = [], set()
        for entry in entries:
            word = entry.strip()
            try:
                networks.append(ip_network(word, strict=False))
            except ValueError:
                if "/" in word or not word or is_odd_number(word):
                    raise ValueError(
                        f"{entry!r} is neither a network (10.1.0.0/16) nor a host name"
                    ) from None
                names.add(plain_name(word))
        return cls(tuple(networks), frozenset(names))

    def holds(self, address: Address, name: str = "") -> bool:
        """Tell whether `address` is listed, by itself or because `name` has it."""
        forms = {address, inner(address)}
        around = [network for network in self.networks if any(form in network for form in forms)]
        if forms & METADATA:
            return any(network.num_addresses == 1 for network in around)
        return bool(around) or self.names_host(name)

    def names_host(self, name: str) -> bool:
        """Tell whether `name` is listed as a host name."""
        return plain_name(name) in self.names


def check_entries(entries: list[str]) -> list[str]:
    """Return the entries of a list as they are. Raises ValueError when one is wrong."""
    Listed.of(entries)
    return entries


def plain_name(host: str) -> str:
    """Return a host name in the one form it is compared in: lower case, no dot at the end."""
    name = host.strip().rstrip(".").lower()
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for (mapped, NAT64, 6to4), or itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Tell whether `address` belongs to somebody on the Internet."""
    target = inner(address)
    if target in METADATA or any(
        target.version == network.version and target in network for network in _NOT_PUBLIC
    ):
        return False
    if isinstance(target, IPv6Address):
        return target in _UNICAST
    return target.is_global and not (target.is_multicast or target.is_reserved)


def literal(host: str) -> Address | None:
    """Return the address that `host` spells in the usual way, None when it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_odd_number(host: str) -> bool:
    """Tell whether `host` is an IPv4 address in disguise: 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""
    if literal(host) is not None:
        return False
    try:
        socket.inet_aton(host.rstrip("."))
    except (OSError, UnicodeError, ValueError):
        return False
    return True
