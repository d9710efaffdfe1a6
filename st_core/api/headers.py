"""What every answer carries: the request id, the security headers, and for our pages the CSRF
cookie.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, g, request

from ..logs import redact
from ..services import settings
from . import cookies
from .envelope import wants_page
from .origin import CSRF_COOKIE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_FIXED = {name.lower(): (name, value) for name, value in SECURITY.items()}
HSTS = "max-age=31536000"


class SecurityHeaders:
    """Puts the fixed headers on every answer of a WSGI application, a crash's included.

    Here, not in Flask's `after_request`: a plain list of pairs costs a tenth of its header object.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does; a header that it set itself is kept."""

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            missing = [pair for key, pair in _FIXED.items() if key not in present]
            return start_response(status, headers + missing, *error)

        return self._application(environ, start)


def init_app(app: Flask) -> None:
    """Number every request of `app` and put the headers on every answer."""
    app.before_request(take_request_id)
    app.after_request(complete)
    app.wsgi_app = SecurityHeaders(app.wsgi_app)  # type: ignore[method-assign]


def take_request_id() -> None:
    """Keep the caller's request id when it is sane and looks like no secret, else make one."""
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    # It goes into logs and events.
    keep = given and _SANE_ID.fullmatch(given) and redact(given) == given
    g.st_request_id = given if keep else secrets.token_hex(8)


def complete(response: Any) -> Any:
    """Add what depends on the request; a route that set a stricter header keeps it."""
    headers = response.headers
    headers[REQUEST_ID] = g.get("st_request_id", "")
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store" if request.path.startswith("/api/") else "no-cache"
    if settings.value("tls.hsts"):  # browsers heed it over https only
        headers["Strict-Transport-Security"] = HSTS
    if cookies.sent(request, CSRF_COOKIE) is None and wants_page():
        cookies.put_csrf(request, response)
    if g.get("st_session_ended") and not g.get("st_session_begins"):
        cookies.drop(request, response)
    return response
