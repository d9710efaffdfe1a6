"""Delegations: until a date, somebody decides in an approver's place.

The *delegator* gives their own voice, no more: the delegate's decisions weigh as much as theirs, in
the same organisation, and a voice that was delegated cannot be delegated on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from st_core.clock import now
from st_core.contracts import Viewer
from st_core.db import db, storable, unit_of_work
from st_core.errors import Conflict, NotFound, SetTimeRule
from st_core.models import User
from st_core.services import events, permissions
from st_core.services import policy as memory

from . import persons
from .models import ApprovalsDelegation

RIGHT = "admin.approve"
LONGEST = timedelta(days=180)


def create(
    viewer: Viewer, delegate: int | str, ends_at: datetime, note: str
) -> ApprovalsDelegation:
    """Command: let `delegate` (a number or a user name) decide in the viewer's place until then.

    Raises NotAllowed without `admin.approve`, NotFound, SetTimeRule for a date that is past or more
    than 180 days off, or a delegate who is oneself or no person.
    """
    permissions.require(viewer, RIGHT)
    if not now() < ends_at <= now() + LONGEST:
        raise SetTimeRule(
            f"A delegation ends within {LONGEST.days} days, and not before now; "
            f"{ends_at.isoformat()} is neither.",
            code="invalid_end",
            fields=[{"path": "ends_at", "message": f"within {LONGEST.days} days"}],
        )
    with unit_of_work():
        user = _person(delegate)
        if user.id in persons.selves([viewer.user_id]):
            raise SetTimeRule(
                "That is an account of your own; name somebody else.",
                code="own_account",
                fields=[{"path": "delegate", "message": "somebody else"}],
            )
        row = ApprovalsDelegation(
            user_id=viewer.user_id,
            delegate_id=user.id,
            ends_at=ends_at,
            note=storable(note, 500),
        )
        db.session.add(row)
        db.session.flush()
        events.emit(
            "approval.delegated",
            subject=("approval_delegation", row.id),
            owner_id=user.id,
            after={"delegate": user.username, "ends_at": ends_at.isoformat()},
            message=f"{viewer.username} lets {user.username} decide until {ends_at:%Y-%m-%d}",
        )
        return row


def end(viewer: Viewer, delegation_id: int) -> None:
    """Command: take a delegation back. Raises NotFound for another's without `admin.config`,
    Conflict when it has ended."""
    with unit_of_work():
        row = db.session.get(
            ApprovalsDelegation, delegation_id, with_for_update=True, populate_existing=True
        )
        mine = row is not None and row.user_id == viewer.user_id
        if row is None or not (mine or viewer.may("admin.config")):
            raise NotFound(f"there is no delegation {delegation_id} of yours")
        if row.ended_at is not None or row.ends_at <= now():
            raise Conflict(f"delegation {delegation_id} has ended", code="delegation_ended")
        row.ended_at = now()
        events.emit(
            "approval.delegation_ended",
            subject=("approval_delegation", row.id),
            owner_id=row.delegate_id,
            before={"ends_at": row.ends_at.isoformat()},
        )


def delegators(delegate_id: int) -> list[int]:
    """Return for whom somebody may decide just now, in order of number."""
    rows = memory.remembered(("approval delegators", delegate_id), lambda: _delegators(delegate_id))
    return [user_id for user_id, ends_at in rows if ends_at > now()]


def _delegators(delegate_id: int) -> list[tuple[int, datetime]]:
    """Return who delegated to somebody, and until when: the longest of each."""
    query = (
        select(ApprovalsDelegation.user_id, func.max(ApprovalsDelegation.ends_at))
        .where(
            ApprovalsDelegation.delegate_id == delegate_id,
            ApprovalsDelegation.ended_at.is_(None),
        )
        .group_by(ApprovalsDelegation.user_id)
        .order_by(ApprovalsDelegation.user_id)
    )
    return [(user_id, ends_at) for user_id, ends_at in db.session.execute(query)]


def listed(viewer: Viewer) -> list[ApprovalsDelegation]:
    """Return the delegations that concern the viewer, with `admin.config` all, newest first."""
    query = select(ApprovalsDelegation).order_by(ApprovalsDelegation.id.desc()).limit(200)
    if not viewer.may("admin.config"):
        mine = ApprovalsDelegation.user_id == viewer.user_id
        query = query.where(mine | (ApprovalsDelegation.delegate_id == viewer.user_id))
    return list(db.session.scalars(query))


def _person(named: int | str) -> User:
    """Return an active person. Raises NotFound, SetTimeRule for a service account."""
    query = User.id == named if isinstance(named, int) else User.username == named
    user = db.session.scalar(select(User).where(query))
    if user is None or not user.is_active:
        raise NotFound(f"there is no active user {named!s:.50}", code="user_not_found")
    if user.is_service:
        raise SetTimeRule(
            f"{user.username} is a service account; people decide.",
            code="service_account",
            fields=[{"path": "delegate", "message": "a person"}],
        )
    return user
