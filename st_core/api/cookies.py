"""The session's cookie: `simpletuner_session` on http, `__Host-simpletuner_session` on https.

The prefix makes browsers refuse one that another host of the same domain, or plain http, has set.
"""

from __future__ import annotations

import secrets

from flask import Request, Response

from ..services import sessions
from .origin import CSRF_COOKIE

NAME = "simpletuner_session"
SECURE_NAME = f"__Host-{NAME}"


def session_token(request: Request) -> str | None:
    """Return the token of the caller's session cookie, None without one."""
    return request.cookies.get(_name(request)) or None


def put(request: Request, response: Response, token: str, remember: bool = False) -> Response:
    """Let the browser keep a session, and a token to prove that our own pages make its calls."""
    response.set_cookie(
        _name(request),
        token,
        max_age=int(sessions.life(remember).total_seconds()),
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    if CSRF_COOKIE not in request.cookies:
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
        _name(request), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )
    return response


def _name(request: Request) -> str:
    return SECURE_NAME if request.is_secure else NAME
