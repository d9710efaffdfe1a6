"""Who one is: `/api/auth` and `/api/users/me`, read only."""

from __future__ import annotations

from flask import Blueprint, g

from ..contracts import Viewer
from ..services import setup, users
from .guard import current_viewer
from .routing import ALWAYS, PUBLIC, SIGNED_IN, route
from .schemas.auth import Check, SetupStatus, User

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
    viewer = current_viewer()
    return User.model_validate(
        {
            **users.describe(viewer.user_id),
            "is_admin": viewer.may("*"),
            "permissions": sorted(viewer.permissions),
        }
    )


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
