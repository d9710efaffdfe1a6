"""Making an account over HTTP: the first administrator's, and one's own where that is allowed."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from ..services import registration, settings, setup, signin
from ..services.accounts import NewAccount
from . import origin
from .auth import signed_in
from .guard import current_viewer
from .routing import ALWAYS, PUBLIC, route
from .schemas import entry as schemas
from .schemas.auth import LoginAnswer

blueprint = Blueprint("entry", __name__)


@route(
    blueprint,
    "/api/auth/setup/first-admin",
    methods=["POST"],
    permission=ALWAYS,
    summary="Make the first administrator",
    body=schemas.FirstAdminBody,
    answers={200: LoginAnswer},
    errors=[400, 403, 409, 429],
)
def first_admin(body: schemas.FirstAdminBody) -> Response:
    """Make the first administrator and sign in as them, for 30 days.

    At this machine no code is needed, unless `auth.mode` is team.
    """
    wanted = NewAccount(body.username, body.email, body.password, body.display_name, ("admin",))
    user = setup.first_admin(wanted, code=body.code, trusted=_is_trusted())
    return signed_in(signin.enter(user, method="password", remember=True))


@route(
    blueprint,
    "/api/auth/register",
    methods=["POST"],
    permission=PUBLIC,
    summary="Make an account of my own",
    body=schemas.RegisterBody,
    answers={200: LoginAnswer},
    errors=[400, 403, 429],
)
def register(body: schemas.RegisterBody) -> Response:
    """Make an account at the default level and sign in, where registration is switched on."""
    wanted = NewAccount(body.username, body.email, body.password, body.display_name)
    user = registration.register(wanted, request.remote_addr)
    return signed_in(signin.enter(user, method="password"))


@route(
    blueprint,
    ["/api/cloud/settings/registration", "/api/auth/registration"],
    permission="admin.config",
    summary="Whether people may register",
    answers={200: schemas.Registration},
)
def registration_settings() -> schemas.Registration:
    """Tell whether people may make an account themselves, and what they become."""
    return _registration(registration.current())


@route(
    blueprint,
    ["/api/cloud/settings/registration", "/api/auth/registration"],
    methods=["PUT"],
    permission="admin.config",
    summary="Let people register, or not",
    body=schemas.RegistrationBody,
    answers={200: schemas.Registration},
    errors=[400],
    step_up=True,
)
def change_registration(body: schemas.RegistrationBody) -> schemas.Registration:
    """Change what is given; a level that manages anything is refused."""
    changed = registration.change(
        current_viewer(), enabled=body.enabled, default_level=body.default_level
    )
    return _registration(changed)


def _registration(found: registration.Registration) -> schemas.Registration:
    return schemas.Registration(
        enabled=found.enabled,
        default_level=found.default_level,
        email_required_warning="Addresses are not checked: this server sends no mail."
        if found.enabled
        else None,
    )


def _is_trusted() -> bool:
    """Tell whether the caller sits at this machine, or may everything already."""
    viewer = g.get("st_viewer")
    if viewer is not None and viewer.may("*"):
        return True
    return settings.value("auth.mode") != "team" and origin.is_on_this_machine(request)
