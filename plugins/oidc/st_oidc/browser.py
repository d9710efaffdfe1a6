"""The cookie that binds a sign-in to the browser that began it, and what that browser reads."""

from __future__ import annotations

import re

from flask import Request, Response

from .states import LIFETIME

NAME = "simpletuner_oidc"
SECURE_NAME = f"__Host-{NAME}"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def secret_of(request: Request) -> str | None:
    """Return the browser's secret, None when it has none of the form we give."""
    found = request.cookies.get(_name(request), "")
    return found if _SECRET.fullmatch(found) else None


def put_secret(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep its secret until the sign-in must have come back.

    SameSite=Lax: the provider's page leads back here by a link, and nothing else may.
    """
    response.set_cookie(
        _name(request),
        secret,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def drop_secret(request: Request, response: Response) -> None:
    """Let the browser forget its secret: the sign-in is done."""
    response.delete_cookie(
        _name(request), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )


def reads_pages(request: Request) -> bool:
    """Tell whether a person sees the answer, not a program."""
    kinds = ["application/json", "text/html"]
    return request.accept_mimetypes.best_match(kinds, kinds[0]) == "text/html"


def _name(request: Request) -> str:
    return SECURE_NAME if request.is_secure else NAME
