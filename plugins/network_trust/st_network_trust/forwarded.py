"""Who stands at the far end of a request: what proxies say of it, read sceptically.

Words: the *peer* holds the other end of our connection; a *hop* is one address of X-Forwarded-For,
the nearest to us last. The address found is always one that somebody we trust has seen; a *doubt*
says why it still may not be the caller's, and whoever is in doubt is let in by nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .rules import Address, Rules

#: More hops than this are no chain of proxies but an attack.
MOST_HOPS = 30
_PORT = re.compile(r":[0-9]{1,5}")


@dataclass(frozen=True)
class Caller:
    """The far end of one request, as far as it is known.

    `address` is None when even the peer has none that can be read. `is_forwarded` tells that the
    peer is a trusted proxy and spoke for somebody.
    """

    address: Address | None
    doubt: str = ""
    is_forwarded: bool = False


def address_of(text: str) -> Address | None:
    """Return the address in one hop, with or without port, IPv6 bare or in brackets.

    None for everything else: names, `unknown`, `_hidden`, zones, IPv4 with leading zeros. An IPv4
    address that is written as IPv6 comes out as IPv4.
    """
    text = text.strip()
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or ":" not in text or (port and not _PORT.fullmatch(port)):
            return None
    elif text.count(":") == 1:
        text, colon, port = text.partition(":")
        if not _PORT.fullmatch(colon + port):
            return None
    if "%" in text:
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def caller_of(environ: Mapping[str, Any], rules: Rules, *, is_forwarded: bool) -> Caller:
    """Return who sends the request of `environ`; `is_forwarded` tells that anything in it shows a
    proxy.
    """
    peer = address_of(environ.get("REMOTE_ADDR", ""))
    if peer is None:
        return Caller(None, "its own address cannot be read")
    chain, real = environ.get("HTTP_X_FORWARDED_FOR"), environ.get("HTTP_X_REAL_IP")
    if not _speaks_for_others(peer, rules) or (chain is None and real is None):
        doubt = "it hands on what others ask and does not say, or may not say, for whom"
        return Caller(peer, doubt if is_forwarded else "")
    if chain is None:
        return _by_real_ip(peer, real or "")
    return _walk(peer, chain.split(","), real, rules)


def _speaks_for_others(peer: Address, rules: Rules) -> bool:
    """Tell whether the peer's headers count. Somebody in an internal network is a caller even where
    the trusted networks contain it; but what runs on this machine is our own proxy.
    """
    if not rules.reads_headers:
        return False
    return peer.is_loopback or (rules.is_proxy(peer) and not rules.is_internal(peer))


def _by_real_ip(peer: Address, real: str) -> Caller:
    found = address_of(real)
    if found is None:
        return Caller(peer, f"X-Real-IP holds {real!r:.60}, which is no address", True)
    return Caller(found, "", True)


def _walk(peer: Address, hops: list[str], real: str | None, rules: Rules) -> Caller:
    """Go from hop to hop away from us, as long as the one before may speak for others."""
    seen: list[Address] = []
    for hop in reversed(hops[-MOST_HOPS:]):
        found = address_of(hop)
        if found is None:
            doubt = f"X-Forwarded-For holds {hop.strip()!r:.60}, which is no address"
            return Caller(seen[-1] if seen else peer, doubt, True)
        seen.append(found)
        if rules.is_internal(found) or not rules.is_proxy(found):
            break
    else:
        if len(hops) > MOST_HOPS:
            return Caller(seen[-1], f"X-Forwarded-For names more than {MOST_HOPS} hops", True)
    if real is not None and address_of(real) not in seen:
        # One of them was sent by the caller and handed on untouched; nobody knows which.
        return Caller(seen[-1], f"X-Real-IP {real!r:.60} contradicts X-Forwarded-For", True)
    return Caller(seen[-1], "", True)
