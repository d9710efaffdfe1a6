"""One's own profile and picture over HTTP (`/api/users/me`)."""

from __future__ import annotations

from flask import Blueprint, Response, send_file

from ..models import User
from ..services import avatars, profiles, users
from .guard import current_viewer
from .routing import SIGNED_IN, Raw, route
from .schemas import users as schemas

blueprint = Blueprint("profile", __name__)


@route(
    blueprint,
    "/api/users/me/profile",
    permission=SIGNED_IN,
    summary="My profile",
    answers={200: schemas.Profile},
)
def profile() -> schemas.Profile:
    """Describe the caller as their own page shows them."""
    return _profile(users.get(current_viewer().user_id))


@route(
    blueprint,
    "/api/users/me/profile",
    methods=["PATCH"],
    permission=SIGNED_IN,
    summary="Change my profile",
    body=schemas.ProfileBody,
    answers={200: schemas.Profile},
)
def change(body: schemas.ProfileBody) -> schemas.Profile:
    """Change the name others see; left out, it stays."""
    viewer = current_viewer()
    if "display_name" not in body.model_fields_set:
        return _profile(users.get(viewer.user_id))
    return _profile(profiles.rename(viewer, body.display_name))


@route(
    blueprint,
    ["/api/users/me/avatar", "/api/users/me/avatar/upload"],
    methods=["POST"],
    permission=SIGNED_IN,
    summary="Set my picture",
    body=schemas.AvatarBody,
    answers={200: schemas.Avatar},
    errors=[400],
)
def upload_avatar(body: schemas.AvatarBody) -> schemas.Avatar:
    """Take a picture as a data URL; it is drawn anew, at most 256 pixels a side."""
    return schemas.Avatar(avatar_url=avatars.upload(current_viewer(), body.data_url))


@route(
    blueprint,
    "/api/users/me/avatar",
    methods=["DELETE"],
    permission=SIGNED_IN,
    summary="Remove my picture",
    answers={200: schemas.Avatar},
)
def remove_avatar() -> schemas.Avatar:
    """Let the caller have no picture."""
    avatars.remove(current_viewer())
    return schemas.Avatar()


@route(
    blueprint,
    "/api/users/avatars/<name>",
    permission=SIGNED_IN,
    summary="A picture",
    answers={200: Raw(avatars.MEDIA_TYPE, "The picture; its address changes with it.")},
    errors=[404],
)
def avatar(name: str) -> Response:
    """Answer with somebody's picture."""
    response = send_file(avatars.file_of(name), mimetype=avatars.MEDIA_TYPE)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _profile(user: User) -> schemas.Profile:
    described = {**users.describe(user.id), "is_admin": current_viewer().may("*")}
    return schemas.Profile.model_validate(described)
