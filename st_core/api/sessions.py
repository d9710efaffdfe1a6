"""Sessions over HTTP: one's own under `/api/auth/sessions`, others' for those who manage users."""

from __future__ import annotations

from flask import Blueprint, request

from ..services import sessions
from . import cookies
from .guard import current_viewer
from .routing import SIGNED_IN, route
from .schemas import auth as schemas
from .schemas.kinds import Success

blueprint = Blueprint("sessions", __name__)


@route(
    blueprint,
    "/api/auth/sessions",
    permission=SIGNED_IN,
    summary="Where I am signed in",
    answers={200: schemas.Sessions},
)
def own() -> schemas.Sessions:
    """List the caller's sessions, the newest first."""
    return _listed(current_viewer().user_id)


@route(
    blueprint,
    "/api/auth/sessions",
    methods=["DELETE"],
    permission=SIGNED_IN,
    summary="Sign out everywhere else",
    answers={200: schemas.SessionsEnded},
)
def end_others() -> schemas.SessionsEnded:
    """End every session of the caller but the one that asks; open streams end with them."""
    token = cookies.session_token(request)
    return schemas.SessionsEnded(ended=sessions.end_others(current_viewer().user_id, token))


@route(
    blueprint,
    "/api/auth/sessions/<int:session_id>",
    methods=["DELETE"],
    permission=SIGNED_IN,
    summary="End a session of mine",
    answers={200: Success},
)
def end_own(session_id: int) -> Success:
    """End one of the caller's sessions at once."""
    sessions.end(current_viewer().user_id, session_id)
    return Success()


@route(
    blueprint,
    "/api/users/<int:user_id>/sessions",
    permission="admin.users",
    summary="Where somebody is signed in",
    answers={200: schemas.Sessions},
)
def of_user(user_id: int) -> schemas.Sessions:
    """List a user's sessions, the newest first."""
    return _listed(user_id)


@route(
    blueprint,
    "/api/users/<int:user_id>/sessions",
    methods=["DELETE"],
    permission="admin.users",
    summary="Sign somebody out everywhere",
    answers={200: schemas.SessionsEnded},
)
def end_of_user(user_id: int) -> schemas.SessionsEnded:
    """End every session of a user at once."""
    return schemas.SessionsEnded(ended=sessions.end_for(current_viewer(), user_id))


@route(
    blueprint,
    "/api/users/<int:user_id>/sessions/<int:session_id>",
    methods=["DELETE"],
    permission="admin.users",
    summary="End a session of somebody",
    answers={200: Success},
)
def end_one_of_user(user_id: int, session_id: int) -> Success:
    """End one session of a user at once."""
    sessions.end_for(current_viewer(), user_id, session_id)
    return Success()


def _listed(user_id: int) -> schemas.Sessions:
    token = cookies.session_token(request)
    mine = sessions.digest(token) if token else None
    return schemas.Sessions(
        sessions=[
            schemas.Session(
                id=row.id,
                method=row.method,
                address=row.address,
                user_agent=row.user_agent,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
                expires_at=row.expires_at,
                is_current=row.token_hash == mine,
            )
            for row in sessions.of(user_id)
        ]
    )
