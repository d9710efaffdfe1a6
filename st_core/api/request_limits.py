"""Which requests count under which limit. Whoever sits at this machine is not counted."""

from __future__ import annotations

import re
from functools import lru_cache

from flask import Request, current_app

from ..contracts import Viewer
from ..services import devices, request_rates, settings, throttles
from ..services.throttles import Rule
from . import origin

#: Requests of a kind, by method and the route's path; the first that fits counts, beside the
#: limit on requests of all kinds.
_KINDS = (
    ("POST", r"/api/(cloud/jobs|cloud/<provider>|queue)/submit", Rule("submit", 20, 60)),
    ("POST", r"/api/.*/cancel", Rule("cancel", 30, 60)),
    ("", r"/api/webhooks(/.*)?", Rule("webhooks", 100, 60)),
    ("", r"/api/cloud/storage(/.*)?", Rule("storage", 50, 60)),
    ("", r"/api/quotas(/.*)?", Rule("quotas", 30, 60)),
)
#: A key is worth more than a request: all processes count these together.
_NEW_KEY = Rule("api-keys", 10, 60)
_NEW_KEY_PATHS = frozenset({"/api/auth/api-keys", "/api/cloud/auth/api-keys"})


def count(request: Request, viewer: Viewer | None) -> None:
    """Count this request. Raises RateLimited when the caller has sent too many."""
    if origin.is_on_this_machine(request):
        return
    signed_in = viewer is not None and viewer.via != "network"
    caller = str(viewer.user_id) if viewer and signed_in else devices.caller(request.remote_addr)
    rates = current_app.extensions["st"].request_rates
    path = request.url_rule.rule if request.url_rule is not None else ""
    rule = _kind(request.method, path)
    if rule is not None:
        request_rates.check(rates, rule, caller, signed_in=signed_in)
    if most := settings.value("rate_limit.calls"):
        everything = Rule("requests", most, settings.value("rate_limit.period_seconds"))
        request_rates.check(rates, everything, caller, signed_in=signed_in)
    if viewer is not None and request.method == "POST" and path in _NEW_KEY_PATHS:
        throttles.check((_NEW_KEY, caller))


@lru_cache(maxsize=2048)
def _kind(method: str, path: str) -> Rule | None:
    for wanted, pattern, rule in _KINDS:
        if wanted in ("", method) and re.fullmatch(pattern, path):
            return rule
    return None
