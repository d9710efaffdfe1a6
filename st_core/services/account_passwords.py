"""The password of an account: changed by its owner, or set for somebody else. Either way other
sessions end at once."""

from __future__ import annotations

from ..clock import now
from ..contracts import Viewer
from ..db import assert_unit_of_work, db, unit_of_work
from ..errors import NotSignedIn, SetTimeRule
from ..models import User
from . import events, one_time_links, passwords, sessions, throttles
from .throttles import Rule

OWN = Rule("password.change", 5, 300)


def change(viewer: Viewer, current: str, new: str, keep: str | None = None) -> None:
    """Command: set a new password of the viewer's own; every session but that of the token `keep`
    ends.

    Raises SetTimeRule when the account has no password here, NotSignedIn when `current` is wrong,
    RateLimited at the sixth wrong one in five minutes.
    """
    user = db.session.get_one(User, viewer.user_id)
    if user.auth_provider != "local" or user.password_hash is None:
        raise SetTimeRule(
            f"{user.username} has no password on this server: the account signs in by "
            f"{'another place' if user.auth_provider == 'local' else user.auth_provider}.",
            code="no_local_password",
        )
    throttles.check((OWN, str(user.id)))
    if not passwords.verify(user.password_hash, current):
        raise NotSignedIn("The current password is not this one.", code="wrong_password")
    hashed = passwords.hash(new)
    with unit_of_work():
        put(db.session.get_one(User, viewer.user_id), hashed, keep)
        throttles.reset(OWN, str(viewer.user_id))


def put(user: User, hashed: str, keep: str | None = None) -> None:
    """Step: give a user the password that `hashed` was made of; every session but `keep` ends."""
    assert_unit_of_work()
    before = user.password_changed_at
    user.password_hash, user.password_changed_at = hashed, now()
    ended = sessions.end_all(user.id, keep)
    one_time_links.withdraw(one_time_links.PASSWORD_RESET, user_id=user.id)
    events.emit(
        "user.password_changed",
        subject=("user", user.id),
        owner_id=user.id,
        before={"password_changed_at": before.isoformat() if before else None},
        after={"password_changed_at": user.password_changed_at.isoformat()},
        data={"sessions_ended": ended},
        message=f"the password of {user.username} was changed",
    )
