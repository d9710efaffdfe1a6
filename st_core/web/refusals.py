"""Where a browser is sent that may not open a page: to sign in, or to make the first administrator.

Programs, and the API whoever asks it, get the error itself.
"""

from __future__ import annotations

from flask import Flask, g, redirect, request, url_for
from werkzeug.wrappers import Response

from ..api import envelope, guard
from ..errors import NotSignedIn, StError
from .next_page import same_site


def init_app(app: Flask) -> None:
    """Send browsers of `app` on where they can do something about a refusal."""
    app.register_error_handler(NotSignedIn, _to_sign_in)
    app.register_error_handler(guard.SetupRequired, _to_first_run)


def _to_sign_in(error: StError) -> Response:
    if not _is_visit() or "Authorization" in request.headers or "X-API-Key" in request.headers:
        return envelope.of_ours(error)
    after = same_site(request.full_path.rstrip("?"))
    said = "session_ended" if g.get("st_session_ended") else None
    return redirect(url_for("web.login", next=None if after == "/" else after, said=said))


def _to_first_run(error: StError) -> Response:
    return redirect(url_for("web.first_run")) if _is_visit() else envelope.of_ours(error)


def _is_visit() -> bool:
    """Tell whether a person opens a page."""
    return request.method in ("GET", "HEAD") and envelope.wants_page()
