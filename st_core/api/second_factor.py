"""The second factor over HTTP: asked at sign-in, switched on and off, and its recovery codes."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..services import second_factor, signin
from . import cookies
from .auth import signed_in
from .guard import current_viewer
from .routing import PUBLIC, SIGNED_IN, route
from .schemas import auth as schemas
from .schemas.kinds import Success

blueprint = Blueprint("second_factor", __name__)
PATH = "/api/auth/second-factor"


@route(
    blueprint,
    PATH,
    methods=["POST"],
    permission=PUBLIC,
    summary="Finish signing in with a code",
    body=schemas.CodeBody,
    answers={200: schemas.LoginAnswer},
    errors=[401, 429],
)
def finish(body: schemas.CodeBody) -> Response:
    """Take the code that a sign-in with a right password still needs; the session's cookie comes
    anew."""
    return signed_in(signin.with_code(cookies.session_token(request) or "", body.code))


@route(
    blueprint,
    [f"{PATH}/status", "/api/users/me/second-factor"],
    permission=SIGNED_IN,
    summary="Whether my second factor is on",
    answers={200: schemas.SecondFactor},
)
def status() -> schemas.SecondFactor:
    """Tell whether the caller's second factor is on, and how many recovery codes are left."""
    return schemas.SecondFactor.model_validate(second_factor.standing(current_viewer().user_id))


@route(
    blueprint,
    f"{PATH}/enrol",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Begin to set up a second factor",
    answers={200: schemas.Enrolment},
    errors=[409],
    step_up=True,
)
def enrol() -> schemas.Enrolment:
    """Make a key for an authenticator app; it holds once a first code was sent to `confirm`."""
    return schemas.Enrolment.model_validate(second_factor.enrol(current_viewer()))


@route(
    blueprint,
    f"{PATH}/confirm",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Switch my second factor on",
    body=schemas.CodeBody,
    answers={200: schemas.RecoveryCodes},
    errors=[400, 409, 429],
)
def confirm(body: schemas.CodeBody) -> schemas.RecoveryCodes:
    """Switch the second factor on with a first code, and hand over ten recovery codes."""
    return schemas.RecoveryCodes(recovery_codes=second_factor.confirm(current_viewer(), body.code))


@route(
    blueprint,
    f"{PATH}/recovery-codes",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="New recovery codes",
    answers={200: schemas.RecoveryCodes},
    errors=[409],
    step_up=True,
)
def renew_codes() -> schemas.RecoveryCodes:
    """Make ten new recovery codes; the old ones end."""
    return schemas.RecoveryCodes(recovery_codes=second_factor.renew_codes(current_viewer()))


@route(
    blueprint,
    f"{PATH}/disable",
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Switch my second factor off",
    body=schemas.CodeBody,
    answers={200: Success},
    errors=[400, 429],
    step_up=True,
)
def disable(body: schemas.CodeBody) -> Success:
    """Switch the second factor off with one more code; its recovery codes end with it."""
    second_factor.disable(current_viewer(), body.code)
    return Success()


@route(
    blueprint,
    "/api/users/<int:user_id>/second-factor",
    methods=["DELETE"],
    permission="admin.users",
    summary="Switch off somebody's second factor",
    answers={200: Success},
    step_up=True,
)
def disable_for(user_id: int) -> Success:
    """Switch off the second factor of somebody who lost app and recovery codes."""
    second_factor.disable_for(current_viewer(), user_id)
    return Success()
