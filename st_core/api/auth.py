"""Who one is, and coming and going: `/api/auth` and `/api/users/me`."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from ..contracts import Viewer
from ..errors import SetTimeRule
from ..services import account_passwords, sessions, setup, signin, step_up, users
from . import cookies
from .guard import current_viewer
from .routing import ALWAYS, PUBLIC, SIGNED_IN, answer, route
from .schemas.auth import (
    Check,
    ConfirmBody,
    Confirmed,
    LoginAnswer,
    LoginBody,
    PasswordBody,
    SetupStatus,
    User,
)
from .schemas.kinds import Success

blueprint = Blueprint("auth", __name__)


@route(
    blueprint,
    ["/api/auth/me", "/api/users/me"],
    permission=SIGNED_IN,
    summary="Who I am and what I may do",
    answers={200: User},
)
def me() -> User:
    """Describe the caller; `permissions` are those of the credential that was used."""
    return _described(current_viewer())


@route(
    blueprint,
    "/api/auth/check",
    permission=PUBLIC,
    summary="Whether I am signed in",
    answers={200: Check},
)
def check() -> Check:
    """Tell whether the caller is known; a wrong credential is a 401, none at all is not."""
    viewer: Viewer | None = g.get("st_viewer")
    if viewer is None:
        return Check(authenticated=False)
    return Check(
        authenticated=True,
        user_id=viewer.user_id,
        username=viewer.username,
        is_admin=viewer.may("*"),
        via=viewer.via,
    )


@route(
    blueprint,
    "/api/auth/setup/status",
    permission=ALWAYS,
    summary="Whether anybody has an account here",
    answers={200: SetupStatus},
)
def setup_status() -> SetupStatus:
    """Tell whether the first administrator is still missing."""
    return SetupStatus.model_validate(setup.status())


@route(
    blueprint,
    "/api/auth/login",
    methods=["POST"],
    permission=PUBLIC,
    summary="Sign in with name and password",
    body=LoginBody,
    answers={200: LoginAnswer, 202: LoginAnswer},
    errors=[401, 429],
)
def login(body: LoginBody) -> Response:
    """Sign in by user name or e-mail; the session comes as a cookie.

    Where a second factor is on, the answer is 202 with `second_factor_required`, and the sign-in is
    finished with `POST /api/auth/second-factor`.
    """
    entry = signin.with_password(
        body.username, body.password, body.remember_me, body.provider or None
    )
    if before := cookies.session_token(request):
        sessions.leave(before)  # its cookie is replaced: nobody could end it any more
    return signed_in(entry)


@route(
    blueprint,
    "/api/auth/logout",
    methods=["POST"],
    permission=PUBLIC,
    summary="Sign out",
    answers={200: Success},
)
def logout() -> Response:
    """End the caller's session and take its cookie back; without one nothing happens."""
    token = cookies.session_token(request)
    if token is not None:
        sessions.leave(token)
    response: Response = answer(Success())
    return cookies.drop(request, response)


@route(
    blueprint,
    "/api/auth/change-password",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Change my password",
    body=PasswordBody,
    answers={200: Success},
    errors=[400, 429],
)
def change_password(body: PasswordBody) -> Success:
    """Set a new password; every other session of the caller ends at once."""
    return _change_password(body)


@route(
    blueprint,
    "/api/users/me/password",
    methods=["PUT"],
    permission=SIGNED_IN,
    summary="Change my password",
    body=PasswordBody,
    answers={200: Success},
    errors=[400, 429],
)
def put_password(body: PasswordBody) -> Success:
    """Set a new password; every other session of the caller ends at once."""
    return _change_password(body)


@route(
    blueprint,
    "/api/auth/confirm",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Confirm that it is me",
    body=ConfirmBody,
    answers={200: Confirmed},
    errors=[400, 429],
)
def confirm(body: ConfirmBody) -> Confirmed:
    """Prove to be there, with the password or a code, before one of the most dangerous actions."""
    token = cookies.session_token(request)
    viewer = current_viewer()
    if token is None or viewer.via != "session":
        raise SetTimeRule("Only a session is confirmed; an API key needs no confirmation.")
    until = step_up.confirm(viewer, token, password=body.password, code=body.code)
    return Confirmed(expires_at=until)


def _change_password(body: PasswordBody) -> Success:
    account_passwords.change(
        current_viewer(),
        body.current_password,
        body.new_password,
        keep=cookies.session_token(request),
    )
    return Success()


def signed_in(entry: signin.Entry) -> Response:
    """Answer a sign-in: who it is, or that a code is still to come; and the session's cookie."""
    g.st_session_begins = True
    if entry.awaits_second_factor:
        waiting = LoginAnswer(
            success=False,
            message="The password is right. Send a code of your app, or a recovery code.",
            second_factor_required=True,
        )
        return cookies.put(request, answer((waiting, 202)), entry.token, entry.remember)
    live = sessions.live(entry.token)
    assert live is not None
    described = _described(live.viewer)
    message = f"Signed in as {described.username}."
    response: Response = answer(LoginAnswer(success=True, user=described, message=message))
    return cookies.put(request, response, entry.token, entry.remember, entry.mark)


def _described(viewer: Viewer) -> User:
    return User.model_validate(
        {
            **users.describe(viewer.user_id),
            "is_admin": viewer.may("*"),
            "permissions": sorted(viewer.permissions),
        }
    )
