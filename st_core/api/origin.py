"""Tell where a request comes from, and keep foreign pages from using the authority this machine
gives.

*Ambient authority* is what a browser brings along unasked: a cookie, or simply running on this
machine. A call that leans on it must come from our own pages: same origin, and on writes the
`csrf_token` cookie repeated in `X-CSRF-Token`, which only a page of ours can read. Programs send
neither Origin nor Sec-Fetch-Site; for those the local owner needs no token.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Request

from ..errors import NotAllowed

CSRF_COOKIE = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Any of these means that somebody stands between the caller and us, whatever the peer's address
#: says.
_FORWARDED = frozenset(
    {
        "HTTP_FORWARDED",
        "HTTP_VIA",
        "HTTP_X_REAL_IP",
        "HTTP_X_CLIENT_IP",
        "HTTP_X_CLUSTER_CLIENT_IP",
        "HTTP_X_ORIGINAL_HOST",
        "HTTP_X_ORIGINAL_FORWARDED_FOR",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_CF_CONNECTING_IP",
        "HTTP_X_ENVOY_EXTERNAL_ADDRESS",
        "HTTP_X_AMZN_TRACE_ID",
    }
)


def is_on_this_machine(request: Request) -> bool:
    """Tell whether the caller sits on this machine and speaks to us directly under a loopback name.

    The name is checked because a foreign page may point its own at 127.0.0.1 (DNS rebinding).
    """
    if is_forwarded(request.environ):
        return False
    return _is_loopback(request.remote_addr or "") and _is_loopback_name(request.host)


def is_forwarded(environ: Mapping[str, Any]) -> bool:
    """Tell whether anything shows that somebody stands between the caller and us.

    HTTP/1.0 counts: browsers and clients speak 1.1, nginx without `proxy_http_version` speaks 1.0
    and forwards nothing else.
    """
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0" or environ.keys() & _FORWARDED:
        return True
    return any(name.startswith("HTTP_X_FORWARDED") for name in environ)


def is_browser(request: Request) -> bool:
    """Tell whether a browser sent this on behalf of a page."""
    return "HTTP_ORIGIN" in request.environ or "HTTP_SEC_FETCH_SITE" in request.environ


def check_ambient(request: Request, *, cookie: bool, page: bool) -> None:
    """Refuse a call with ambient authority that one of our own pages did not make.

    `cookie` callers need the token on every write, `page` routes may be opened by a link from
    elsewhere. Raises NotAllowed with code `cross_origin` or `csrf_failed`.
    """
    if not _is_same_origin(request) and not (page and _is_navigation(request)):
        raise NotAllowed(
            f"This call came from a page of {request.headers.get('Origin') or 'another site'}, "
            f"not of {request.host_url.rstrip('/')}. Other programs use an API key.",
            code="cross_origin",
        )
    if request.method in SAFE_METHODS or not (cookie or is_browser(request)):
        return
    sent, known = request.headers.get(CSRF_HEADER, ""), request.cookies.get(CSRF_COOKIE, "")
    if not known or not hmac.compare_digest(sent.encode(), known.encode()):
        raise NotAllowed(
            f"The header {CSRF_HEADER} must repeat the cookie {CSRF_COOKIE}. "
            "Reload the page and try again.",
            code="csrf_failed",
        )


def _is_same_origin(request: Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    allowed = ("same-origin", "none") if request.method in SAFE_METHODS else ("same-origin",)
    if site is not None and site not in allowed:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin.lower() == f"{request.scheme}://{request.host}".lower()


def _is_navigation(request: Request) -> bool:
    """Tell whether a person followed a link to here; the page that held it cannot read what we
    answer.
    """
    return (
        request.method in SAFE_METHODS
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _is_loopback_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)
