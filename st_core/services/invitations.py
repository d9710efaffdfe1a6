"""Invitations and links to a new password: made by whoever manages users, handed over by them.

A link stands only while its maker still may what it does: when they lose the right, or the person
it is for rises above them, it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from ..contracts import Viewer
from ..db import db, unit_of_work
from ..errors import NotAllowed, NotFound, SetTimeRule
from ..models import OneTimeLink, User
from . import (
    account_passwords,
    accounts,
    authority,
    events,
    level_grants,
    one_time_links,
    passwords,
    permissions,
    signin,
    users,
)
from .accounts import NewAccount
from .one_time_links import INVITATION, PASSWORD_RESET


def invite(
    viewer: Viewer, email: str, level_names: Sequence[str], hours: int
) -> tuple[OneTimeLink, str]:
    """Command: make a link with which somebody makes their own account; return its row and, this
    once, its token.

    Raises SetTimeRule when the address has an account or a level is unknown, NotAllowed for a level
    above the viewer's own.
    """
    with authority.changes_by(viewer):
        accounts.require_free(email=email)
        _require_levels(viewer, level_names)
        row, token = one_time_links.make(
            INVITATION, hours=hours, email=email, levels=level_names, by=viewer.user_id
        )
        _tell(row, f"{email} was invited")
    return row, token


def reset(viewer: Viewer, user_id: int, hours: int) -> tuple[OneTimeLink, str]:
    """Command: make a link with which somebody sets a new password, in place of any before; return
    its row and, this once, its token.

    Raises NotFound, NotAllowed when the person may more than the viewer, SetTimeRule when the
    account has no password here.
    """
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        _require_local(user)
        one_time_links.withdraw(PASSWORD_RESET, user_id=user.id)
        row, token = one_time_links.make(
            PASSWORD_RESET, hours=hours, user_id=user.id, by=viewer.user_id
        )
        _tell(row, f"a link to a new password was made for {user.username}")
    return row, token


def withdraw(viewer: Viewer, link_id: int) -> None:
    """Command: let an invitation hold no longer. Raises NotFound when it does not anyway."""
    with authority.changes_by(viewer):
        row = next((one for one in one_time_links.open_ones(INVITATION) if one.id == link_id), None)
        if row is None:
            raise NotFound(f"there is no open invitation {link_id}")
        db.session.delete(row)
        events.emit(
            "auth.link_withdrawn",
            subject=("link", row.id),
            before={"purpose": row.purpose, "email": row.email, "levels": row.levels},
            message=f"the invitation of {row.email} was withdrawn",
        )


def show(token: str) -> tuple[OneTimeLink, User | None]:
    """Return what a link is for, and whose account it is about. Raises NotFound when it does not
    stand."""
    row = one_time_links.find(token, INVITATION, PASSWORD_RESET)
    return row, _standing(row)


def accept(token: str, wanted: NewAccount) -> User:
    """Command: make the account of somebody invited; e-mail and levels are the invitation's.

    Raises NotFound when the invitation does not stand, SetTimeRule when name or address is taken.
    """
    one_time_links.find(token, INVITATION)  # before a hash is worked out for anybody
    hashed = passwords.hash(wanted.password or "")
    with unit_of_work(gate=authority.GATE):
        row = one_time_links.use(token, INVITATION)
        _standing(row)
        account = NewAccount(
            wanted.username, row.email, None, wanted.display_name, tuple(row.levels)
        )
        return accounts.add(account, password_hash=hashed)


def set_password(token: str, password: str) -> None:
    """Command: set the password of whom a reset link is for; all their sessions end.

    Raises NotFound when the link does not stand.
    """
    one_time_links.find(token, PASSWORD_RESET)
    hashed = passwords.hash(password)
    with unit_of_work(gate=authority.GATE):
        row = one_time_links.use(token, PASSWORD_RESET)
        user = _standing(row)
        if user is None:
            raise one_time_links.does_not_hold()
        with signin.acting_as(user):
            account_passwords.put(user, hashed)
            events.emit(
                "auth.password_reset",
                subject=("user", user.id),
                owner_id=user.id,
                data={"link": row.id},
                message=f"{user.username} set a new password with a link",
            )


def _standing(row: OneTimeLink) -> User | None:
    """Return whose account a link is about, None for an invitation.

    Raises NotFound unless its maker still may do what it does, and the account is active.
    """
    maker = db.session.get(User, row.created_by_id) if row.created_by_id else None
    if maker is None or not maker.is_active:
        raise one_time_links.does_not_hold()
    viewer = users.viewer_of(maker, "session")
    user = db.session.scalar(select(User).where(User.id == row.user_id))
    try:
        permissions.require(viewer, "admin.users")
        _require_levels(viewer, row.levels)
        if user is not None:
            authority.require_over(viewer, user)
            _require_local(user)
    except (NotAllowed, SetTimeRule) as error:
        raise one_time_links.does_not_hold() from error
    if user is not None and not user.is_active:
        raise one_time_links.does_not_hold()
    return user


def _require_levels(viewer: Viewer, names: Sequence[str]) -> None:
    for level in level_grants.named(names):
        authority.require_level(viewer, level)


def _require_local(user: User) -> None:
    if user.is_service or user.is_local_owner or user.auth_provider != "local":
        raise SetTimeRule(
            f"{user.username} signs in without a password of this server, so none can be set.",
            code="no_local_password",
        )


def _tell(row: OneTimeLink, message: str) -> None:
    events.emit(
        "auth.link_created",
        subject=("link", row.id),
        after={
            "purpose": row.purpose,
            "email": row.email,
            "user_id": row.user_id,
            "levels": list(row.levels),
            "expires_at": row.expires_at.isoformat(),
        },
        message=message,
    )
