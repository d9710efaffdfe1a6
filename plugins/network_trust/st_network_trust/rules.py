"""What the configuration says about the network, checked once and frozen.

Words: a *proxy* hands on what others ask; an *internal* caller sits in one of the networks that
need not sign in.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from st_core.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Names that no stranger can point anywhere: reserved for this machine and for private networks.
PRIVATE_DOMAINS = (".localhost", ".internal")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Rules:
    """Whom to believe, and whom to let in with which level."""

    reads_headers: bool = False
    proxies: tuple[Network, ...] = ()
    lets_in: bool = False
    internal: tuple[Network, ...] = ()
    level: str = "viewer"
    hosts: frozenset[str] = frozenset()

    def is_proxy(self, address: Address) -> bool:
        """Tell whether `address` is a proxy that was named."""
        return any(address in network for network in self.proxies)

    def is_internal(self, address: Address) -> bool:
        """Tell whether `address` lies in an internal network."""
        return any(address in network for network in self.internal)

    def is_our_name(self, host: str) -> bool:
        """Tell whether a page under this Host can only be ours: a foreign page may point its own
        name at our address (DNS rebinding), but not one of these.
        """
        name = name_of(host)
        if name is None:
            return False
        if is_address(name) or "." not in name:
            return True
        return name.endswith(PRIVATE_DOMAINS) or name in self.hosts


def read(settings: Any) -> Rules:
    """Return the rules of a deployment. Raises ConfigError naming the key and what is wrong."""
    level = settings.value("network.bypass_level")
    if level.lower() == "admin":
        raise ConfigError(
            "network.bypass_level: 'admin' is refused, nobody becomes an administrator by sitting "
            "in a network. Name viewer, researcher, lead or a level of your own."
        )
    return Rules(
        reads_headers=settings.value("network.trust_proxy_headers"),
        proxies=_networks(settings, "network.trusted_proxies"),
        lets_in=settings.value("network.bypass_auth_for_internal"),
        internal=_networks(settings, "network.internal_networks"),
        level=level,
        hosts=_names(settings, "network.bypass_hosts"),
    )


def name_of(host: str) -> str | None:
    """Return the name in a Host header in lower case, without its port; None when it is no name."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else None


def is_address(name: str) -> bool:
    """Tell whether a host's name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _networks(settings: Any, key: str) -> tuple[Network, ...]:
    return tuple(_network(key, text) for text in settings.value(key))


def _network(key: str, text: str) -> Network:
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ConfigError(
            f"{key}: {text!r} is no address or network ({error}). Write 10.1.2.3 or 10.1.0.0/16."
        ) from None
    if network.prefixlen == 0:
        raise ConfigError(f"{key}: {text!r} is every address there is; name your own networks.")
    return network


def _names(settings: Any, key: str) -> frozenset[str]:
    names = settings.value(key)
    for name in names:
        if name_of(name) != name.lower() or "*" in name:
            raise ConfigError(f"{key}: {name!r} is no host name. Write trainer.example.org.")
    return frozenset(name.lower() for name in names)
