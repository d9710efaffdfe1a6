"""Accounts: how they are made.

A *service account* stands for a program (CI, Airflow): it has no password, cannot sign in, and its
keys are made by an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from ..clock import now
from ..contracts import Viewer
from ..db import assert_unit_of_work, db
from ..errors import Conflict, SetTimeRule
from ..models import User
from . import authority, events, level_grants, passwords, settings

#: Service accounts get no mail; the column wants an address, and this domain can never have one.
NO_MAIL = "service.invalid"


@dataclass(frozen=True)
class NewAccount:
    """What a new account begins with; a service account needs no e-mail and takes no password."""

    username: str
    email: str | None = None
    password: str | None = None
    display_name: str | None = None
    levels: Sequence[str] = ()
    is_service: bool = False


def create(viewer: Viewer, wanted: NewAccount) -> User:
    """Command: make an account.

    Raises SetTimeRule for a name or address that is taken, an unknown level or a service account
    with a password; NotAllowed for a level above the viewer's own; Conflict where it would end the
    way in of the person at this machine before there is an administrator.
    """
    if wanted.is_service and wanted.password:
        raise SetTimeRule(
            "A service account has no password; make it an API key.", code="service_account"
        )
    hashed = passwords.hash(wanted.password) if wanted.password else None
    with authority.changes_by(viewer):
        levels = level_grants.named(wanted.levels)
        for level in levels:
            authority.require_level(viewer, level)
        first = not wanted.is_service and _ends_the_way_in(viewer)
        if first:
            _require_admin(wanted)
        owner = {"owner_id": viewer.user_id} if wanted.is_service else {}
        return (take_over if first else add)(wanted, password_hash=hashed, **owner)


def add(wanted: NewAccount, *, password_hash: str | None = None, **columns: Any) -> User:
    """Step: insert an account with its levels, and tell of it. `columns` are further ones of User.

    Raises SetTimeRule when name or address is taken.
    """
    assert_unit_of_work()
    email = (wanted.email or f"{wanted.username}@{NO_MAIL}").strip()
    require_free(username=wanted.username, email=email)
    user = User(
        username=wanted.username,
        email=email,
        display_name=wanted.display_name,
        is_service=wanted.is_service,
        password_hash=password_hash,
        password_changed_at=now() if password_hash else None,
        levels=level_grants.named(wanted.levels),
        **columns,
    )
    db.session.add(user)
    write()
    events.emit(
        "admin.user_created",
        subject=("user", user.id),
        owner_id=user.id,
        after={**described(user), "is_service": user.is_service, "levels": sorted(wanted.levels)},
        message=f"the account {user.username} was made",
    )
    return user


def take_over(wanted: NewAccount, *, password_hash: str | None = None, **columns: Any) -> User:
    """Step: make the first administrator's account, out of the local owner's where there is one:
    jobs, configs and keys made at this machine stay theirs. Otherwise as `add`."""
    assert_unit_of_work()
    owner = db.session.scalar(select(User).where(User.is_local_owner).with_for_update())
    if owner is None:
        return add(wanted, password_hash=password_hash, **columns)
    require_free(username=wanted.username, email=wanted.email, but=owner.id)
    before = described(owner)
    values: dict[str, Any] = {
        "username": wanted.username,
        "email": wanted.email,
        "display_name": wanted.display_name,
        "password_hash": password_hash,
        "password_changed_at": now() if password_hash else None,
        "levels": level_grants.named(wanted.levels),
        "is_active": True,
        "is_local_owner": False,
    }
    for name, value in (values | columns).items():
        setattr(owner, name, value)
    write()
    events.emit(
        "admin.user_created",
        subject=("user", owner.id),
        owner_id=owner.id,
        before=before,
        after={**described(owner), "levels": sorted(wanted.levels)},
        message=f"{owner.username} is the first administrator, and keeps what the local owner had",
    )
    return owner


def require_free(*, username: str | None = None, email: str | None = None, but: int = 0) -> None:
    """Pass when nobody but the user `but` has this name or address. Raises SetTimeRule."""
    for field, column, given in (
        ("username", User.username, username),
        ("email", User.email, email),
    ):
        same = func.lower(column) == (given or "").lower()
        if given and db.session.scalar(select(User.id).where(same, User.id != but)) is not None:
            raise SetTimeRule(
                f"The {field} {given!r} is taken; choose another.",
                code="duplicate",
                fields=[{"path": field, "message": "taken"}],
            )


def write() -> None:
    """Step: write now. Raises SetTimeRule when somebody else took the name meanwhile."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise SetTimeRule(
            "This username or e-mail address has just been taken; choose another.",
            code="duplicate",
        ) from error


def update(user: User, new: Mapping[str, Any]) -> None:
    """Step: set fields of an account, with one event on those that are new; nothing when none is.

    Raises SetTimeRule when somebody else took the name or address meanwhile.
    """
    new = {name: value for name, value in new.items() if getattr(user, name) != value}
    if not new:
        return
    before = {name: getattr(user, name) for name in new}
    for name, value in new.items():
        setattr(user, name, value)
    write()
    events.emit(
        "user.updated",
        subject=("user", user.id),
        owner_id=user.id,
        before=before,
        after=new,
        message=f"{user.username}: {', '.join(new)}",
    )


def described(user: User) -> dict[str, Any]:
    """Return what events tell of an account."""
    return {
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "is_active": user.is_active,
        "auth_provider": user.auth_provider,
    }


def _ends_the_way_in(viewer: Viewer) -> bool:
    """Tell whether the viewer is let in by place alone, which in `auth.mode: auto` ends with the
    first account."""
    by_place = viewer.via == "local" and settings.value("auth.mode") != "local"
    return by_place and not authority.has_full_admin()


def _require_admin(wanted: NewAccount) -> None:
    """Refuse what would lock everybody out. Raises Conflict."""
    if "admin" not in wanted.levels or not wanted.password:
        raise Conflict(
            "The first account must be an administrator with a password, or nobody could "
            "administer this server: once anybody has an account, being on this machine is no way "
            "in any more. Make the administrator first (simpletuner auth setup).",
            code="first_account_must_be_admin",
        )
