"""Authority: who may change whom, and what they may hand out.

An *administrator* holds `*`. Whoever may manage users without being one *reaches* only so far: what
they hold themselves, and what the system's levels up to their own priority hold. They neither touch
people who may more than that, nor hand out more.

A *full administrator* is a person who is active, can come in, has the level `admin` and is denied
nothing. The server never loses its last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, and_, or_, select

from ..contracts import Viewer
from ..db import assert_unit_of_work, db, unit_of_work
from ..errors import NotAllowed, SetTimeRule
from ..models import Level, PermissionOverride, User
from . import rights

#: The gate under which people, levels and their rights change, so that rules about several rows
#: hold when two such changes meet.
GATE = "people"


def is_admin(viewer: Viewer) -> bool:
    """Tell whether the viewer is an administrator, with the credential used just now."""
    return viewer.may("*")


def reach(viewer: Viewer) -> frozenset[str]:
    """Return every permission that somebody may hold whom the viewer may change."""
    if is_admin(viewer):
        return frozenset(rights.catalogue()) | {"*"}
    below = select(Level).where(
        Level.is_system, Level.priority <= viewer.priority, Level.name != "admin"
    )
    reached = set(viewer.permissions)
    for level in db.session.scalars(below):
        reached |= rights.of_level(level)
    return frozenset(reached - rights.denied_to(viewer.user_id))


def require_over(viewer: Viewer, user: User) -> None:
    """Pass when the viewer may change `user`. Raises NotAllowed when that person may more."""
    if is_admin(viewer) or user.id == viewer.user_id:
        return
    held, highest = rights.held_by(user), max((one.priority for one in user.levels), default=0)
    if rights.has_admin(user) or "*" in held:
        raise NotAllowed(
            f"{user.username} is an administrator, and only an administrator may change that "
            "account. Ask one.",
            code="administrator_protected",
        )
    if highest > viewer.priority or not held <= reach(viewer):
        more = ", ".join(sorted(held - reach(viewer))[:3]) or f"a level of priority {highest}"
        raise NotAllowed(
            f"{user.username} may more than you ({more}), so only an administrator may change "
            "that account.",
            code="higher_account",
        )


def require_level(viewer: Viewer, level: Level) -> None:
    """Pass when the viewer may hand out or change `level`. Raises NotAllowed when it is above
    their own."""
    if is_admin(viewer):
        return
    if level.is_system and level.name == "admin":
        raise NotAllowed(
            "Only an administrator can make or unmake an administrator.",
            code="administrator_protected",
        )
    if level.priority > viewer.priority or not rights.of_level(level) <= reach(viewer):
        raise NotAllowed(
            f"The level {level.name!r} (priority {level.priority}) is above your own "
            f"(priority {viewer.priority}); only an administrator can hand it out.",
            code="level_too_high",
            details={"level": level.name},
        )


def require_grant(viewer: Viewer, names: frozenset[str]) -> None:
    """Pass when the viewer may give these permissions to others. Raises NotAllowed naming those
    they do not hold."""
    missing = sorted(name for name in names if not viewer.may(name))
    if missing:
        raise NotAllowed(
            f"You cannot grant what you do not hold yourself: {', '.join(missing)}.",
            code="permission_not_held",
            details={"permissions": missing},
        )


def require_other(viewer: Viewer, user: User, what: str) -> None:
    """Refuse to do to oneself what would lock oneself out. Raises SetTimeRule."""
    if user.id == viewer.user_id:
        raise SetTimeRule(
            f"You cannot {what} yourself; another administrator can.", code="own_account"
        )


@contextmanager
def changes_by(viewer: Viewer) -> Iterator[None]:
    """Open the unit of work in which `viewer` changes people, levels or rights.

    One at a time; the viewer's own rights are looked at anew, for somebody may just have taken
    them. Raises NotAllowed then, and SetTimeRule when no full administrator would be left.
    """
    with unit_of_work(gate=GATE):
        _require_unchanged(viewer)
        with keeping_an_admin():
            yield


@contextmanager
def keeping_an_admin() -> Iterator[None]:
    """Step: let changes happen inside unless they take the last full administrator.

    Raises SetTimeRule then. It takes the gate `people` to exclude a second such change.
    """
    assert_unit_of_work()
    before = has_full_admin()
    yield
    db.session.flush()
    if before and not has_full_admin():
        raise SetTimeRule(
            "That would leave nobody who can administer this server. Make somebody else an "
            "administrator first.",
            code="last_admin",
        )


def has_full_admin() -> bool:
    """Tell whether anybody can administer this server with all rights."""
    return db.session.scalar(select(User.id).where(is_full_admin()).limit(1)) is not None


def is_full_admin() -> ColumnElement[bool]:
    """Return the SQL criterion for full administrators.

    A local owner without a password comes in by place alone, which ends with the first account.
    """
    return and_(
        User.is_active,
        ~User.is_service,
        or_(~User.is_local_owner, User.password_hash.is_not(None)),
        User.levels.any(and_(Level.is_system, Level.name == "admin")),
        ~User.overrides.any(~PermissionOverride.granted),
    )


def _require_unchanged(viewer: Viewer) -> None:
    """Pass when the viewer still may what they could. Raises NotAllowed."""
    if viewer.via == "network":  # an account that many share: the way in gives the rights
        return
    user = db.session.get(User, viewer.user_id, populate_existing=True)
    held = rights.held_by(user) if user is not None and user.is_active else frozenset()
    if "*" not in held and not viewer.permissions <= held:
        raise NotAllowed(
            "Your own rights were changed just now; nothing was done.", code="rights_changed"
        )
