"""The session's cookie: `simpletuner_session` on http, `__Host-simpletuner_session` on https; and
`simpletuner_device` likewise, which marks a browser that has signed in.

The prefix makes browsers refuse one that another host of the same domain, or plain http, has set.
"""

from __future__ import annotations

import secrets

from flask import Request, Response

from ..services import sessions
from .origin import CSRF_COOKIE

SESSION, DEVICE = "simpletuner_session", "simpletuner_device"
DEVICE_SECONDS = 365 * 86400


def sent(request: Request, name: str) -> str | None:
    """Return the value of one of the caller's cookies; programs, which have none, cost no
    parsing."""
    return request.cookies.get(name) if "HTTP_COOKIE" in request.environ else None


def session_token(request: Request) -> str | None:
    """Return the token of the caller's session cookie, None without one."""
    return sent(request, _name(request, SESSION)) or None


def device_mark(request: Request) -> str | None:
    """Return the mark of a browser that has signed in before, None without one."""
    mark = sent(request, _name(request, DEVICE)) or ""
    return mark if 0 < len(mark) <= 100 else None


def put(
    request: Request,
    response: Response,
    token: str,
    remember: bool = False,
    mark: str | None = None,
) -> Response:
    """Let the browser keep a session, a token to prove that our own pages make its calls, and
    `mark` where it has none yet."""
    _keep(request, response, SESSION, token, int(sessions.life(remember).total_seconds()))
    if mark is not None:
        _keep(request, response, DEVICE, mark, DEVICE_SECONDS)
    if sent(request, CSRF_COOKIE) is None:
        put_csrf(request, response)
    return response


def put_csrf(request: Request, response: Response) -> None:
    """Give the browser the token that our own pages repeat in a header; they may read it."""
    response.set_cookie(
        CSRF_COOKIE, secrets.token_urlsafe(32), samesite="Strict", secure=request.is_secure
    )


def drop(request: Request, response: Response) -> Response:
    """Let the browser forget its session."""
    response.delete_cookie(
        _name(request, SESSION), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )
    return response


def _keep(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _name(request: Request, name: str) -> str:
    return f"__Host-{name}" if request.is_secure else name
