"""One's own profile: the name others see. Levels, address and login name are an administrator's to
change."""

from __future__ import annotations

from ..contracts import Viewer
from ..db import unit_of_work
from ..errors import NotAllowed
from ..models import User
from . import events, users


def require_person(viewer: Viewer) -> None:
    """Pass when the viewer is an account of its own. Raises NotAllowed for whoever is let in by
    the network they are in, which many share."""
    if viewer.via == "network":
        raise NotAllowed(
            "You are let in by the network you are in, as an account that many share. Sign in to "
            "have a profile, keys and credentials of your own.",
            code="shared_account",
        )


def rename(viewer: Viewer, display_name: str | None) -> User:
    """Command: change the name others see; None or nothing lets the login name be shown."""
    require_person(viewer)
    with unit_of_work():
        user = users.lock(viewer.user_id)
        before, after = user.display_name, (display_name or "").strip() or None
        if before != after:
            user.display_name = after
            events.emit(
                "user.updated",
                subject=("user", user.id),
                owner_id=user.id,
                before={"display_name": before},
                after={"display_name": after},
                message=f"{user.username} is called {after or user.username} now",
            )
    return user
