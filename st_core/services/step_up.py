"""Step-up: before the most dangerous actions, whoever has a session proves once more to be there.

A sign-in counts as a proof, from when the person proved it to an outside provider if that says so.
Callers with an API key have none to give: a key is made for programs,
and its scopes say what it may.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..clock import now
from ..contracts import LoginMethod, Viewer
from ..db import db, unit_of_work
from ..errors import NotAllowed, NotSignedIn
from ..models import AuthProvider, Session, User
from . import login_methods, password_check, second_factor, sessions, throttles, users
from .throttles import Rule

WINDOW = timedelta(minutes=10)
CONFIRM = Rule("confirm", 5, 300)


class ConfirmationRequired(NotAllowed):
    """The caller's last proof of presence is too old (403); `details.methods` says how to give
    one."""

    code, title = "step_up_required", "Confirm that it is you"


def require(token: str) -> None:
    """Pass when the session's owner proved within ten minutes to be there. Raises
    ConfirmationRequired."""
    row = sessions.row_of(token)
    if row is not None and row.confirmed_at is not None and row.confirmed_at > now() - WINDOW:
        return
    raise ConfirmationRequired(
        "This action asks you to confirm that it is you: POST /api/auth/confirm with your password "
        "or a code, or go to your sign-in provider once more, where `details.provider` says; then "
        "try again within ten minutes.",
        details=_ways(row) if row is not None else {"methods": ["sign_in"]},
    )


def _ways(row: Session) -> dict[str, Any]:
    """Return how the owner of a session can prove to be there: by `methods` password, code or
    provider, else by signing in again; `provider` says which one and where."""
    user, provider = db.session.get_one(User, row.user_id), _provider(row)
    methods = ["password"] if password_check.has_password(user) else []
    methods += ["code"] if user.totp_confirmed_at is not None else []
    methods += ["provider"] if provider is not None else []
    told: dict[str, Any] = {"methods": methods or ["sign_in"]}
    if provider is not None:
        told["provider"] = {"label": provider.label, "url": provider.again_url}
    return told


def _provider(row: Session) -> LoginMethod | None:
    """Return the provider that a session began at, if it can be asked for a proof."""
    if row.provider_id is None:
        return None
    name = db.session.get_one(AuthProvider, row.provider_id).name
    fitting = (each for each in login_methods.every() if each.name == name and each.again_url)
    return next(fitting, None)


def confirm(
    viewer: Viewer, token: str, *, password: str | None = None, code: str | None = None
) -> datetime:
    """Command: note that the owner of a session is there; return until when that holds.

    Raises NotSignedIn when password or code is wrong, RateLimited at the sixth try in five minutes.
    """
    throttles.check((CONFIRM, str(viewer.user_id)))
    user = db.session.get_one(User, viewer.user_id)
    fits = password_check.fits(user, password) if password else False
    with unit_of_work():
        if not fits and code:
            fits = second_factor.take(users.lock(viewer.user_id), code) is not None
        if not fits:
            raise NotSignedIn("The password or code is not the right one.", code="not_confirmed")
        row = sessions.row_of(token)
        if row is None or row.user_id != viewer.user_id:
            raise NotSignedIn("Your session has ended; sign in again.", code="session_ended")
        row.confirmed_at = now()
        throttles.reset(CONFIRM, str(viewer.user_id))
    return now() + WINDOW
