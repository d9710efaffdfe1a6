"""`/api/auth/external/oidc/…` (and `/api/cloud/external-auth/oidc/…`): begin, come back, leave.

A browser is redirected and reads pages; a program that asks for JSON gets JSON. Both are pages to
the guard, because a provider's page of another site leads here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request
from pydantic import BaseModel, Field

from st_core.api import cookies
from st_core.api.routing import PUBLIC, SIGNED_IN, answer, page, route
from st_core.errors import NotFound, RateLimited, StError
from st_core.services import sessions, throttles, users
from st_core.web.next_page import HOME, same_site

from . import addresses, browser, failures
from .addresses import paths
from .refusals import Refusal

if TYPE_CHECKING:
    from .flow import Returned

blueprint = Blueprint("oidc", __name__)

#: Sign-ins that one address begins or comes back with; a whole office may share one.
OF_ADDRESS = throttles.Rule("oidc.address", 60, 60)


def _recorded(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let a failure of `view` be an event, and a page where a person reads it."""

    @wraps(view)
    def call(**path: str) -> Response:
        try:
            throttles.check((OF_ADDRESS, request.remote_addr or ""))
            return view(**path)
        except StError as error:
            return _failed(error)

    return call


@page(blueprint, paths("<provider>/start", "start"), permission=PUBLIC)
@_recorded
def start(provider: str | None = None) -> Response:
    """Send a browser to the provider; a program gets `auth_url` and `state`."""
    from . import flow  # Authlib and joserfc are heavy, and start-up has a budget

    g.st_oidc_provider = name = provider or _one("provider")
    if not name:
        raise Refusal("Say which provider: oidc/start?provider=NAME.", code="oidc_provider_missing")
    begun, url = flow.start(
        name,
        origin=_origin(),
        asked_redirect_uri=_one("redirect_uri"),
        next_path=same_site(_one("next") or _one("frontend_url")),
        browser_secret=browser.secret_of(request),
        again=_one("again") == "1",
    )
    if browser.reads_pages(request):
        response = make_response(redirect(url, 303))
    else:
        response = jsonify(auth_url=url, state=begun.state)
    browser.put_secret(request, response, begun.browser_secret)
    return _private(response)


@page(blueprint, paths("<provider>/callback", "callback"), permission=PUBLIC)
@_recorded
def callback(provider: str | None = None) -> Response:
    """Finish a sign-in: the session as a cookie, and the place to go on to."""
    return _finish(provider, as_page=browser.reads_pages(request))


@page(blueprint, paths("callback-redirect"), permission=PUBLIC)
@_recorded
def callback_redirect() -> Response:
    """Finish a sign-in and always lead on, to a place of this server."""
    return _finish(None, as_page=True)


class Left(BaseModel):
    """The session here has ended; `logout_url` ends the provider's, where it has such a page."""

    success: bool = True
    logout_url: str | None = Field(None, description="Where to send the browser next.")


@route(
    blueprint,
    paths("logout"),
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Sign out here and at the OpenID provider",
    answers={200: Left},
)
def logout() -> Response:
    """End the caller's session; the browser goes on to `logout_url` to end the provider's too."""
    from . import signing_out  # heavy as above

    url = signing_out.leave(cookies.session_token(request), _origin())
    response: Response = answer(Left(logout_url=url))
    return cookies.drop(request, response)


def _finish(provider: str | None, *, as_page: bool) -> Response:
    from . import flow  # heavy as above

    g.st_oidc_provider = provider
    returned = _returned(flow.Returned)
    begun = flow.take(returned, provider, browser.secret_of(request))
    g.st_oidc_provider = begun.provider
    entry = flow.finish(returned, begun)
    if before := cookies.session_token(request):
        sessions.leave(before)  # its cookie is replaced: nobody could end it any more
    if as_page:
        wanted = begun.next_path if begun.next_path != HOME else _one("frontend_url")
        response = make_response(redirect(same_site(wanted), 303))
    else:
        user = users.describe(entry.user_id)
        response = jsonify(success=True, message="Signed in", user=user, session_id=None)
    browser.drop_secret(request, response)
    return _private(cookies.put(request, response, entry.token, mark=entry.mark))


def _returned(kind: type[Returned]) -> Returned:
    return kind(
        state=_one("state"),
        code=_one("code"),
        issuer=_one("iss"),
        error=_one("error"),
        description=_one("error_description"),
    )


def _one(name: str) -> str | None:
    """Return a parameter of the address. Raises Refusal when it stands there more than once."""
    found = request.args.getlist(name)
    if len(found) > 1:
        raise Refusal(
            f"The parameter {name} stands in this address {len(found)} times; it may once.",
            code="oidc_parameter_repeated",
        )
    return found[0] if found else None


def _failed(error: StError) -> Response:
    """Answer a failure; what an outsider can cause at will is no event."""
    if not isinstance(error, NotFound | RateLimited):
        failures.note(error, g.get("st_oidc_provider"))
    if not browser.reads_pages(request):
        raise error
    page_of = {"title": error.title, "detail": error.detail, "code": error.code}
    text = render_template("oidc/refused.html", page=page_of, again=addresses.SIGNED_OUT_PATH)
    return _private(Response(text, error.status, error.headers))


def _private(response: Response) -> Response:
    """Keep an answer that belongs to one sign-in out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _origin() -> str:
    return request.host_url.rstrip("/")
