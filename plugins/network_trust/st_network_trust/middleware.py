"""The WSGI layer that gives the app a request as the caller sent it to the proxy.

The forwarded headers stay in the request: the core's guard must see that somebody stood between, so
that nobody who comes through a proxy is ever the local owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from st_core.api.origin import is_forwarded

from .forwarded import Caller, caller_of
from .rules import Rules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

KEY = "st_network_trust.arrival"
#: One host as a proxy sends it; whatever else it may be is left alone.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Arrival:
    """How a request came: from whom, and under which names (the Host it has, the Host it had)."""

    caller: Caller
    hosts: tuple[str, ...]


class TrustedHeaders:
    """Wraps the app; without a trusted proxy at the other end it changes nothing."""

    def __init__(self, app: WSGIApplication, rules: Rules) -> None:
        self._app, self._rules = app, rules

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        caller = caller_of(environ, self._rules, is_forwarded=is_forwarded(environ))
        hosts: tuple[str, ...] = (environ.get("HTTP_HOST", ""),)
        if caller.is_forwarded:
            environ["REMOTE_ADDR"] = str(caller.address)
            scheme, host = _scheme(environ), environ.get("HTTP_X_FORWARDED_HOST", "").strip()
            environ["wsgi.url_scheme"] = scheme or environ["wsgi.url_scheme"]
            if _HOST.fullmatch(host):
                environ["HTTP_HOST"], hosts = host, (host, *hosts)
        environ[KEY] = Arrival(caller, hosts)
        return self._app(environ, start_response)


def _scheme(environ: dict[str, Any]) -> str | None:
    """Return the scheme the caller used, when the proxy says so in one word that is one."""
    said: str = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
    return said if said in ("http", "https") else None
