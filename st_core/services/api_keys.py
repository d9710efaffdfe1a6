"""API keys: `st_` and 32 random letters and digits, shown once, stored as SHA-256 (hex).

*Scopes* limit a key to some of its owner's permissions. What a key may is worked out anew for each
request: what its owner holds just then, and of that what the scopes leave.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from .. import actor as actors
from ..clock import now
from ..contracts import Viewer
from ..db import assert_unit_of_work, db, unit_of_work
from ..errors import NotAllowed, NotFound, SetTimeRule
from ..models import ApiKey, User
from ..plugins import did_you_mean
from . import authority, events, permissions, policy, presence, profiles, rights, users

ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Known:
    """A key that is known: whose it is, and until when it holds."""

    id: int
    viewer: Viewer
    expires_at: datetime | None


def digest(key: str) -> str:
    """Return what is stored of a key. Plain SHA-256 suffices: keys carry 190 bits of randomness."""
    return hashlib.sha256(key.encode()).hexdigest()


def create(
    user_id: int, name: str, *, expires_days: int | None = None, scopes: list[str] | None = None
) -> tuple[ApiKey, str]:
    """Command: make a key for a user; return its row and, this once, the key itself.

    Raises NotFound.
    """
    with unit_of_work(gate=authority.GATE):
        return _insert(users.get(user_id), name, expires_days, scopes)


def mint(
    viewer: Viewer,
    name: str,
    *,
    user_id: int | None = None,
    expires_days: int | None = None,
    scopes: Sequence[str] | None = None,
) -> tuple[ApiKey, str]:
    """Command: make a key for oneself, or for the service account `user_id`; return its row and,
    this once, the key itself.

    A key made with a scoped key has no more than that one. Raises NotAllowed without the right, or
    when the key could do more than the viewer; SetTimeRule for scopes its owner does not hold.
    """
    profiles.require_person(viewer)
    with authority.changes_by(viewer):
        owner = _owner_to_be(viewer, user_id)
        held = rights.held_by(owner)
        wanted = None if scopes is None else _checked(scopes, held)
        mine = rights.held_by(users.get(viewer.user_id))
        if wanted is None and viewer.permissions != mine:
            wanted = sorted(rights.within(held, sorted(viewer.permissions)))
        authority.require_grant(viewer, rights.within(held, wanted))
        return _insert(owner, name, expires_days, wanted)


def of(user_id: int) -> list[ApiKey]:
    """Return a user's keys, revoked and expired ones too, the newest first."""
    mine = select(ApiKey).where(ApiKey.user_id == user_id).order_by(ApiKey.id.desc())
    return list(db.session.scalars(mine))


def everyones(viewer: Viewer, *, limit: int, after: int | None = None) -> list[ApiKey]:
    """Return everybody's keys, the newest first, after the key numbered `after`.

    Raises NotAllowed without `api.keys.all`.
    """
    permissions.require(viewer, "api.keys.all")
    found = select(ApiKey).order_by(ApiKey.id.desc()).limit(limit)
    if after is not None:
        found = found.where(ApiKey.id < after)
    return list(db.session.scalars(found))


def revoke(viewer: Viewer, key_id: int) -> None:
    """Command: end a key for good; one that has ended already is fine.

    Raises NotFound when there is none, or it is somebody else's and the viewer lacks
    `api.keys.all`; NotAllowed when its owner may more than the viewer.
    """
    with authority.changes_by(viewer):
        row = db.session.get(ApiKey, key_id, with_for_update=True, populate_existing=True)
        own = row is not None and row.user_id == viewer.user_id
        if row is None or not (own or viewer.may("api.keys.all")):
            raise NotFound(f"there is no API key {key_id} that you may revoke")
        if not own:
            authority.require_over(viewer, users.get(row.user_id))
        if not row.is_active:
            return
        row.is_active = False
        events.emit(
            "api_key.revoked",
            subject=("api_key", row.id),
            owner_id=row.user_id,
            before={"name": row.name, "prefix": row.prefix, "is_active": True},
            after={"is_active": False},
            message=f"the API key {row.name} ({row.prefix}…) was revoked",
        )


def viewer_for(key: str, address: str | None = None) -> Viewer | None:
    """Return the viewer a key stands for, or None when it is unknown, expired, revoked or its owner
    inactive."""
    hashed = digest(key)
    known = policy.remembered(("api key", hashed), lambda: _read(hashed))
    if known is None or (known.expires_at is not None and known.expires_at <= now()):
        return None
    presence.note("api_key", known.id)
    return known.viewer if address is None else replace(known.viewer, address=address)


def _read(hashed: str) -> Known | None:
    """Read whose key this is and until when it holds."""
    row = db.session.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.key_hash == hashed, ApiKey.is_active, User.is_active)
    ).first()
    if row is None:
        return None
    api_key, user = row
    viewer = users.viewer_of(user, "api_key", api_key.scopes)
    return Known(api_key.id, viewer, api_key.expires_at)


def _owner_to_be(viewer: Viewer, user_id: int | None) -> User:
    """Return for whom the viewer may make a key."""
    if user_id is None or user_id == viewer.user_id:
        permissions.require(viewer, "api.keys.own")
        return users.get(viewer.user_id)
    permissions.require(viewer, "api.keys.all")
    owner = users.get(user_id)
    if not owner.is_service:
        raise SetTimeRule(
            f"{owner.username} is a person and makes their own keys; only service accounts are "
            "given theirs.",
            code="not_a_service_account",
        )
    authority.require_over(viewer, owner)
    return owner


def _checked(scopes: Sequence[str], held: frozenset[str]) -> list[str]:
    """Return scopes in order, each once. Raises SetTimeRule for one the owner does not hold."""
    for name in scopes:
        known = name in rights.catalogue()
        if known and ("*" in held or name in held):
            continue
        what = "is not held by the key's owner" if known else "does not exist"
        hint = "" if known else did_you_mean(name, rights.catalogue())
        raise SetTimeRule(
            f"The permission {name!r} {what}, so no key can have it.{hint}",
            code="scope_exceeds_permissions",
            fields=[{"path": "scoped_permissions", "message": f"{name[:100]} {what}"}],
        )
    return sorted(set(scopes))


def _insert(
    owner: User, name: str, expires_days: int | None, scopes: list[str] | None
) -> tuple[ApiKey, str]:
    """Step: insert a key. Raises NotAllowed when its owner is not active."""
    assert_unit_of_work()
    if not owner.is_active:
        raise NotAllowed(f"{owner.username} is deactivated; activate the account first.")
    key = "st_" + "".join(secrets.choice(ALPHABET) for _ in range(32))
    row = ApiKey(
        user_id=owner.id,
        name=name,
        prefix=key[:11],
        key_hash=digest(key),
        scopes=scopes,
        expires_at=now() + timedelta(days=expires_days) if expires_days else None,
        made_by_id=actors.current().user_id,
    )
    db.session.add(row)
    db.session.flush()
    events.emit(
        "api_key.created",
        subject=("api_key", row.id),
        owner_id=owner.id,
        after={"name": name, "prefix": row.prefix, "scopes": scopes},
        message=f"{owner.username} has the new API key {name} ({row.prefix}…)",
    )
    return row, key
