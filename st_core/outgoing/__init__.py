"""The one way out for requests that users can aim (issuer URLs, webhooks, directories).

An aim is checked twice: its syntax and any literal address when it is saved (`check_url`,
`check_host`), and what it resolves to when it is used. Every address a name has must be public or
listed in `network.allowed_private`, and the connection goes to a checked address, so that a name
which answers differently a moment later gains nothing.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app

from ..errors import Malformed
from .addresses import Address, Listed, is_odd_number, is_public, literal, plain_name

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
SETTING = "network.allowed_private"
MOST_URL_LETTERS = 2000
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")


class DestinationRefused(Malformed):
    """A request may not go there (422 when saved); `fields` names where the aim came from."""

    code, title = "destination_refused", "This destination is not allowed"


def listed() -> Listed:
    """Return what the administrator listed."""
    return Listed.of(current_app.extensions["st"].settings.value(SETTING))


def check_url(url: str, field: str = "url") -> str:
    """Return `url` when it may be saved as an aim; nothing is resolved.

    Raises DestinationRefused naming `field` when it is not https (http is for listed hosts), holds
    a user or password, spells an address oddly, or an address that is neither public nor listed.
    """
    if len(url) > MOST_URL_LETTERS or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise _refused(field, "a URL is one word of at most 2000 letters, without \\")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _refused(field, f"{url!r} is no URL: {error}") from None
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise _refused(field, f"{url!r} is no URL that begins with https:// and names a host")
    if "@" in parts.netloc:
        raise _refused(field, "a URL holds no user and no password here; there are fields for them")
    check_host(host, field)
    if parts.scheme == "http" and not _http_may_be(host):
        raise _refused(
            field, f"{url!r} must begin with https://; http is for hosts listed in {SETTING}"
        )
    return url


def check_host(host: str, field: str = "host") -> str:
    """Return `host` when it may be saved as an aim; nothing is resolved.

    Raises DestinationRefused naming `field` when it is no host name, an oddly spelt address, or an
    address that is neither public nor listed.
    """
    address = literal(host)
    if address is not None:
        if "%" in host:
            raise _refused(field, f"{host!r} names a network card; write the address alone")
        _demand(address, host, listed(), field)
        return host
    ascii_host = plain_name(host)
    if literal(ascii_host) is not None or is_odd_number(ascii_host):
        raise _refused(field, f"{host!r}: write an address as four decimal numbers, or a name")
    if not _NAME.fullmatch(ascii_host):
        raise _refused(field, f"{host!r} is no host name")
    return host


def resolve(host: str, port: int, *, only_listed: bool = False) -> list[str]:
    """Look `host` up and return its addresses, each of which may be connected to.

    Raises DestinationRefused when one of them is neither public nor listed (with `only_listed`,
    not listed), OSError when the name has none.
    """
    check_host(host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    allowed = listed()
    for text in texts:
        _demand(ip_address(text), host, allowed, "")
        if only_listed and not allowed.holds(ip_address(text), host):
            raise _refused("", f"{host} is asked over TLS only; without it only hosts in {SETTING}")
    return texts


def tls_context(*, verify: bool = True) -> ssl.SSLContext:
    """Return the TLS settings of outgoing calls: the authorities of `tls.ca_bundle`, else those of
    this machine.

    Raises DestinationRefused when the bundle cannot be read.
    """
    bundle = current_app.extensions["st"].settings.value("tls.ca_bundle")
    return _context(str(bundle or ""), verify=verify)


def _context(bundle: str, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=bundle or None)
    except (OSError, ssl.SSLError) as error:
        raise DestinationRefused(
            f"tls.ca_bundle names {bundle}, which holds no certificates that can be read: {error}",
            code="ca_bundle_unusable",
        ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _kept_context(bundle: str, _changed_at_ns: int, verify: bool) -> ssl.SSLContext:
    """Return settings that all HTTP clients share: reading the authorities takes a while."""
    return _context(bundle, verify=verify)


def _shared_context(verify: bool) -> ssl.SSLContext:
    """Return `tls_context`, read once for as long as the bundle stays as it is."""
    bundle = current_app.extensions["st"].settings.value("tls.ca_bundle")
    is_there = bundle is not None and Path(bundle).is_file()
    changed_at_ns = Path(bundle).stat().st_mtime_ns if is_there else 0
    return _kept_context(str(bundle or ""), changed_at_ns, verify)


def client(
    *,
    timeout_seconds: float = 10.0,
    total_seconds: float = 30.0,
    most_bytes: int = 2 * 2**20,
    redirects: int = 0,
    verify: bool = True,
) -> httpx.Client:
    """Return an HTTP client whose every connection is checked and goes to a checked address.

    `timeout_seconds` bounds each step, `total_seconds` one request as a whole, `most_bytes` an
    answer. Redirects are followed only when asked for, and checked like a first request. Proxies of
    the environment are not used. Its requests raise DestinationRefused besides httpx's errors.
    """
    from . import pinned  # httpx is heavy, and most processes never call out

    return pinned.client(
        _shared_context(verify), timeout_seconds, total_seconds, most_bytes, redirects
    )


def _http_may_be(host: str) -> bool:
    """Tell whether it is worth asking at use whether `host` is listed."""
    allowed, address = listed(), literal(host)
    if address is not None:
        return allowed.holds(address, host)
    return bool(allowed.networks) or allowed.names_host(host)


def _demand(address: Address, host: str, allowed: Listed, field: str) -> None:
    if is_public(address) or allowed.holds(address, host):
        return
    log.warning("refused to connect to %s: %s is neither public nor listed", host, address)
    raise _refused(
        field,
        f"{host} is in a private or reserved network. If this server is to ask it, an "
        f"administrator lists its network or its name in {SETTING}",
    )


def _refused(field: str, why: str) -> DestinationRefused:
    fields = [{"path": field, "message": why}] if field else []
    return DestinationRefused(f"{why}.", fields=fields)
