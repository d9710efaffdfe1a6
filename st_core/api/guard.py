"""Who is calling, and may they: one answer before any view runs.

The order is API key, session, local owner, whom a plugin names. An API key that is not valid is
refused at once and never falls back to a weaker way in; a session that has ended counts as none,
and its cookie is taken back. Routes are closed unless their declaration opens them.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from flask import Flask, Request, g, request
from flask_login import AnonymousUserMixin, LoginManager, UserMixin

from .. import actor as actors
from ..actor import Actor
from ..contracts import Viewer
from ..db import db
from ..errors import NotAllowed, NotSignedIn, StError
from ..plugins import current_plugins
from ..services import ambient, api_keys, sessions, settings, step_up, users
from . import cookies, first_request, headers, open_paths, origin, request_limits
from .routing import ALWAYS, Declared, declared_for, is_static

log = logging.getLogger(__name__)

#: Ways in that a browser uses without being asked; their calls must come from our own pages.
AMBIENT = frozenset({"local", "network", "session"})


class SetupRequired(StError):
    """Nobody has an account yet and the caller does not sit on this machine (403)."""

    status, code, title = 403, "setup_required", "This server is not set up yet"


class Caller(UserMixin):
    """The viewer in the shape Flask-Login hands to templates as `current_user`."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def get_id(self) -> str:
        """Return the user's id as text."""
        return str(self.viewer.user_id)


def init_app(app: Flask) -> None:
    """Guard every route of `app` and complete every answer."""
    headers.init_app(app)
    first_request.init_app(app)
    login = LoginManager()
    login.session_protection = None
    login.anonymous_user = AnonymousUserMixin
    login.request_loader(lambda _request: Caller(g.st_viewer) if g.get("st_viewer") else None)
    login.init_app(app)
    app.before_request(admit)
    app.teardown_request(_leave)


def current_viewer() -> Viewer:
    """Return who is calling. Raises NotSignedIn when nobody is (only possible on open routes)."""
    viewer: Viewer | None = g.get("st_viewer")
    if viewer is None:
        raise _not_signed_in()
    return viewer


def admit() -> None:
    """Let the request through or refuse it.

    Raises NotSignedIn, SetupRequired or NotAllowed, each saying what would help.
    """
    declared = declared_for(request.endpoint) if request.endpoint else None
    if _needs_nobody(declared):
        return
    settings.refresh()
    g.st_viewer = viewer = _identify_and_count()
    if viewer is None:
        _admit_stranger(declared)
        return
    if viewer.via in AMBIENT:
        g.st_demands_json = origin.is_browser(request) or viewer.via == "session"
        origin.check_ambient(
            request, cookie=viewer.via == "session", page=bool(declared and declared.page)
        )
    if declared is not None:
        _require(viewer, declared)
        if declared.step_up and viewer.via == "session":
            step_up.require(cookies.session_token(request) or "")


def _identify_and_count() -> Viewer | None:
    """Return who is calling, name them as the doer of what follows, and count the request.

    Raises NotSignedIn for a credential that is not valid; guessing one counts as well. Raises
    RateLimited when there were too many.
    """
    viewer = None
    try:
        viewer = identify(request)
    finally:
        _enter(viewer)
        request_limits.count(request, viewer)
    return viewer


def _admit_stranger(declared: Declared | None) -> None:
    """Let a caller without a credential through to what is open. Raises as `admit` does.

    A browser's write must come from a page of ours here too: else a foreign page could sign its
    visitors in as somebody else.
    """
    if request.method not in origin.SAFE_METHODS and origin.is_browser(request):
        g.st_demands_json = True
        origin.check_ambient(request, cookie=False, page=False)
    if declared is not None and declared.permission == ALWAYS:
        return
    if not _is_set_up():
        raise _setup_required()
    if declared is not None and not declared.is_open:
        raise _not_signed_in()


def is_unchanged() -> bool:
    """Tell whether the caller of this long request still is who they were, with the same rights."""
    settings.refresh()
    try:
        return identify(request) == g.st_viewer
    except NotSignedIn:
        return False
    finally:
        db.session.remove()  # a stream must not hold a connection while it waits


def identify(request: Request) -> Viewer | None:
    """Return who is calling, None when nobody says so. Raises NotSignedIn for a credential that is
    not valid.
    """
    key = presented_key(request)
    viewer = api_keys.viewer_for(key) if key is not None else None
    if viewer is None and key is not None:
        raise NotSignedIn(
            "This API key is unknown, expired or revoked. Make a new one, or send none to sign in "
            "otherwise.",
            code="invalid_token",
        )
    if viewer is None and (token := cookies.session_token(request)) is not None:
        viewer = sessions.viewer_for(token)
        g.st_session_ended = viewer is None and sessions.row_of(token) is None
    if viewer is None and _local_mode() and origin.is_on_this_machine(request):
        viewer = users.local_viewer()
    if viewer is None and _is_set_up():
        viewer = ambient.viewer_for(current_plugins().identify_request(request))
    return None if viewer is None else replace(viewer, address=request.remote_addr)


def presented_key(request: Request) -> str | None:
    """Return the API key of `Authorization: Bearer` or `X-API-Key`, None when neither header is
    there.

    Raises NotSignedIn when the headers disagree or name another scheme.
    """
    authorization = request.environ.get("HTTP_AUTHORIZATION")
    given: str | None = request.environ.get("HTTP_X_API_KEY")
    if authorization is None:
        return given
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn(
            f"The scheme {scheme!r} is not known here; send 'Authorization: Bearer <API key>'."
        )
    if given is not None and given != key.strip():
        raise NotSignedIn("Authorization and X-API-Key hold different keys; send one of them.")
    return key.strip()


def _local_mode() -> bool:
    mode = settings.value("auth.mode")
    return mode == "local" or (mode == "auto" and not users.others_exist())


def _is_set_up() -> bool:
    return settings.value("auth.mode") == "local" or users.others_exist()


def _needs_nobody(declared: Declared | None) -> bool:
    """Pass health, set-up status, static files and what the administrator opened; refuse a route
    that declared nothing."""
    if open_paths.is_open(request):
        return True
    if declared is not None:
        reads = request.method in origin.SAFE_METHODS
        return declared.permission == ALWAYS and reads and not declared.page
    if request.endpoint is None:
        return False
    if is_static(request.endpoint):
        return True
    log.error("the route %s (%s) declares no permission", request.path, request.endpoint)
    raise NotAllowed("This route declares no permission and is therefore closed; tell its author.")


def _require(viewer: Viewer, declared: Declared) -> None:
    names = declared.permissions
    if names and not any(viewer.may(name) for name in names):
        raise NotAllowed(
            f"Permission denied: this needs {' or '.join(names)}. "
            f"An administrator can grant it to {viewer.username}.",
            details={"permissions": list(names)},
        )


def _enter(viewer: Viewer | None) -> None:
    """Let events of this request name its caller until the request ends."""
    actor = Actor(
        name=viewer.username if viewer else "anonymous",
        user_id=viewer.user_id if viewer else None,
        address=request.remote_addr,
        door="page" if origin.is_browser(request) else "api",
        request_id=g.get("st_request_id"),
        user_agent=request.headers.get("User-Agent"),
        device=cookies.device_mark(request),
    )
    g.st_actor = actors.enter(actor)


def _leave(_error: BaseException | None) -> None:
    entered = g.pop("st_actor", None)
    if entered is not None:
        actors.leave(entered)


def _not_signed_in() -> NotSignedIn:
    return NotSignedIn(
        "Nobody is signed in. Send an API key as 'Authorization: Bearer st_…' or 'X-API-Key'.",
        code="missing_token",
    )


def _setup_required() -> SetupRequired:
    return SetupRequired(
        "Nobody has an account here yet. Open this server on its own machine under "
        "http://localhost, or send an API key that was made there: flask st api-keys create NAME."
    )
