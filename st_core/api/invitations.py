"""Invitations and links to a new password over HTTP. A token comes in a body, never in an address:
addresses are logged.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..models import OneTimeLink
from ..services import invitations, one_time_links, signin, users
from ..services.accounts import NewAccount
from .auth import signed_in
from .guard import current_viewer
from .routing import PUBLIC, route
from .schemas import entry as schemas
from .schemas.auth import LoginAnswer
from .schemas.kinds import Success

blueprint = Blueprint("invitations", __name__)
PAGES = {one_time_links.INVITATION: "invitation", one_time_links.PASSWORD_RESET: "reset-password"}


@route(
    blueprint,
    "/api/users/invitations",
    methods=["POST"],
    permission="admin.users",
    summary="Invite somebody",
    body=schemas.InvitationBody,
    answers={201: schemas.Link},
    errors=[400],
    step_up=True,
)
def invite(body: schemas.InvitationBody) -> schemas.Link:
    """Make a link with which somebody makes their own account; it is shown this once."""
    made = invitations.invite(
        current_viewer(), body.email, body.level_names, hours=body.expires_hours
    )
    return _link(*made)


@route(
    blueprint,
    "/api/users/invitations",
    permission="admin.users",
    summary="Open invitations",
    answers={200: schemas.Invitations},
)
def open_ones() -> schemas.Invitations:
    """List the invitations nobody has accepted yet, the newest first."""
    rows = one_time_links.open_ones(one_time_links.INVITATION)
    names = users.display_names(row.created_by_id for row in rows)
    return schemas.Invitations(
        invitations=[
            schemas.Invitation(
                id=row.id,
                email=row.email,
                level_names=row.levels,
                created_at=row.created_at,
                expires_at=row.expires_at,
                created_by=names.get(row.created_by_id or 0),
            )
            for row in rows
        ]
    )


@route(
    blueprint,
    "/api/users/invitations/<int:link_id>",
    methods=["DELETE"],
    permission="admin.users",
    summary="Withdraw an invitation",
    answers={200: Success},
)
def withdraw(link_id: int) -> Success:
    """Let an invitation hold no longer."""
    invitations.withdraw(current_viewer(), link_id)
    return Success()


@route(
    blueprint,
    "/api/users/<int:user_id>/password-reset",
    methods=["POST"],
    permission="admin.users",
    summary="Make a link to a new password",
    body=schemas.LinkBody,
    answers={201: schemas.Link},
    errors=[400],
    step_up=True,
)
def reset(user_id: int, body: schemas.LinkBody) -> schemas.Link:
    """Make a link with which somebody sets a new password; it is shown this once."""
    return _link(*invitations.reset(current_viewer(), user_id, hours=body.expires_hours))


@route(
    blueprint,
    "/api/auth/links/show",
    methods=["POST"],
    permission=PUBLIC,
    summary="What a link is for",
    body=schemas.TokenBody,
    answers={200: schemas.LinkShown},
    errors=[404],
)
def show(body: schemas.TokenBody) -> schemas.LinkShown:
    """Tell what a link lets its holder do, without using it up."""
    row, user = invitations.show(body.token)
    return schemas.LinkShown(
        purpose=row.purpose,
        email=row.email,
        username=user.username if user else None,
        expires_at=row.expires_at,
    )


@route(
    blueprint,
    "/api/auth/invitations/accept",
    methods=["POST"],
    permission=PUBLIC,
    summary="Accept an invitation",
    body=schemas.AcceptBody,
    answers={200: LoginAnswer},
    errors=[400, 404],
)
def accept(body: schemas.AcceptBody) -> Response:
    """Make the account one was invited to and sign in."""
    wanted = NewAccount(body.username, None, body.password, body.display_name)
    user = invitations.accept(body.token, wanted)
    return signed_in(signin.enter(user, method="password"))


@route(
    blueprint,
    "/api/auth/password-reset",
    methods=["POST"],
    permission=PUBLIC,
    summary="Set a new password with a link",
    body=schemas.ResetBody,
    answers={200: Success},
    errors=[400, 404],
)
def set_password(body: schemas.ResetBody) -> Success:
    """Set a new password; every session ends, and one signs in anew."""
    invitations.set_password(body.token, body.new_password)
    return Success()


def _link(row: OneTimeLink, token: str) -> schemas.Link:
    """Return a link whose token stands behind the #, which browsers send to nobody."""
    return schemas.Link(
        id=row.id,
        url=f"{request.host_url}{PAGES[row.purpose]}#{token}",
        token=token,
        expires_at=row.expires_at,
    )
