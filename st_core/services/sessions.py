"""Sessions: a signed-in browser each. Its token is in a cookie, of which only the SHA-256 is kept.

A session lives 24 hours, or 30 days when it is to be remembered; use does not prolong it. While it
*awaits the second factor* it is nobody's, and lives ten minutes.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from .. import actor
from ..clock import now
from ..contracts import Viewer
from ..db import assert_unit_of_work, db, storable, unit_of_work
from ..errors import NotAllowed, NotFound
from ..models import AuthProvider, Session, User
from ..secrets import place, seal, unseal
from . import authority, events, policy, presence, users

LIFE = timedelta(hours=24)
REMEMBERED_LIFE = timedelta(days=30)
UNFINISHED_LIFE = timedelta(minutes=10)
BATCH = 200


@dataclass(frozen=True)
class Live:
    """A session that holds: whose it is, until when, and how it began (password, oidc, ldap)."""

    id: int
    viewer: Viewer
    expires_at: datetime
    method: str


def digest(token: str) -> str:
    """Return what is stored of a token. Plain SHA-256 suffices: tokens carry 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def life(remember: bool) -> timedelta:
    """Return how long a session lives."""
    return REMEMBERED_LIFE if remember else LIFE


def create(
    user_id: int,
    *,
    method: str = "password",
    remember: bool = False,
    provider_id: int | None = None,
    provider_state: Mapping[str, str] | None = None,
    awaits_second_factor: bool = False,
    proved_at: datetime | None = None,
) -> str:
    """Step: begin a session of a user and return its token, this once.

    `method` is password, oidc or ldap; `provider_state` is kept sealed; `proved_at` is when the
    person proved to be there, if not just now. Address and browser are those of the present actor.
    Raises NotAllowed when the provider was switched off meanwhile.
    """
    assert_unit_of_work()
    if provider_id is not None:
        _require_enabled(provider_id)
    token, who = secrets.token_urlsafe(32), actor.current()
    hashed = digest(token)
    lives = UNFINISHED_LIFE if awaits_second_factor else life(remember)
    db.session.add(
        Session(
            token_hash=hashed,
            user_id=user_id,
            expires_at=now() + lives,
            address=who.address,
            user_agent=storable(who.user_agent or "", 255) or None,
            method=method,
            provider_id=provider_id,
            provider_state=_sealed(provider_state, hashed),
            awaits_second_factor=awaits_second_factor,
            remembered=remember,
            confirmed_at=None if awaits_second_factor else proved_at or now(),
        )
    )
    return token


def viewer_for(token: str) -> Viewer | None:
    """Return the viewer a session stands for, or None when it is unknown, ended, unfinished or its
    owner inactive."""
    found = live(token)
    if found is None:
        return None
    presence.note("session", found.id)
    return found.viewer


def live(token: str) -> Live | None:
    """Return the session of a token while it holds, None otherwise; from memory where possible."""
    hashed = digest(token)
    found = policy.remembered(("session", hashed), lambda: _read(hashed))
    return found if found is not None and found.expires_at > now() else None


def _read(hashed: str) -> Live | None:
    row = db.session.execute(
        select(Session, User)
        .join(User, User.id == Session.user_id)
        .where(Session.token_hash == hashed, ~Session.awaits_second_factor, User.is_active)
    ).first()
    if row is None:
        return None
    session, user = row
    viewer = users.viewer_of(user, "session")
    return Live(session.id, viewer, session.expires_at, session.method)


def row_of(token: str) -> Session | None:
    """Return the row behind a token, unfinished ones too, None when there is none or it expired."""
    return db.session.scalar(
        select(Session).where(Session.token_hash == digest(token), Session.expires_at > now())
    )


def of(user_id: int) -> list[Session]:
    """Return a user's sessions that hold, the newest first. Raises NotFound for no such user."""
    if db.session.get(User, user_id) is None:
        raise NotFound(f"there is no user {user_id}", code="user_not_found")
    return list(
        db.session.scalars(
            select(Session)
            .where(
                Session.user_id == user_id,
                Session.expires_at > now(),
                ~Session.awaits_second_factor,
            )
            .order_by(Session.id.desc())
        )
    )


def end(user_id: int, session_id: int) -> None:
    """Command: end one session of a user at once. Raises NotFound when the user has no such one."""
    with unit_of_work():
        _end([_one(user_id, session_id)])


def end_all(user_id: int, except_token: str | None = None) -> int:
    """Step: end every session of a user, but that of `except_token`; return how many."""
    assert_unit_of_work()
    kept = digest(except_token) if except_token else ""
    rows = list(
        db.session.scalars(
            select(Session).where(Session.user_id == user_id, Session.token_hash != kept)
        )
    )
    _end(rows)
    return len(rows)


def end_of_provider(provider_id: int) -> int:
    """Step: end every session that began at one sign-in provider; return how many."""
    assert_unit_of_work()
    rows = list(db.session.scalars(select(Session).where(Session.provider_id == provider_id)))
    _end(rows)
    return len(rows)


def end_others(user_id: int, except_token: str | None = None) -> int:
    """Command: end every session of a user, but that of `except_token`; return how many."""
    with unit_of_work():
        return end_all(user_id, except_token)


def end_for(viewer: Viewer, user_id: int, session_id: int | None = None) -> int:
    """Command: end one session of somebody else, or all of them; return how many.

    Raises NotFound when there is no such user or session, NotAllowed when that person may more than
    the viewer.
    """
    with unit_of_work():
        user = db.session.get(User, user_id)
        if user is None:
            raise NotFound(f"there is no user {user_id}", code="user_not_found")
        authority.require_over(viewer, user)
        if session_id is None:
            return end_all(user_id)
        _end([_one(user_id, session_id)])
        return 1


def leave(token: str) -> None:
    """Command: sign out. An unknown token is no mistake: whoever asks is signed out already."""
    if db.session.scalar(select(Session.id).where(Session.token_hash == digest(token))) is None:
        return
    with unit_of_work():
        row = db.session.scalar(select(Session).where(Session.token_hash == digest(token)))
        if row is not None:
            db.session.delete(row)
            events.emit(
                "auth.logout",
                subject=("session", row.id),
                owner_id=row.user_id,
                before=_described(row),
            )


def purge() -> int:
    """Command: delete the sessions that have expired; return how many. One event each."""
    gone = 0
    while gone_now := _purge_some():
        gone += gone_now
    return gone


def _purge_some() -> int:
    expired = select(Session).where(Session.expires_at <= now()).limit(BATCH)
    if db.session.scalar(expired.with_only_columns(Session.id)) is None:
        return 0
    with unit_of_work():
        rows = list(db.session.scalars(expired))
        for row in rows:
            events.emit(
                "auth.session_expiry",
                subject=("session", row.id),
                owner_id=row.user_id,
                before=_described(row),
            )
        db.session.execute(delete(Session).where(Session.id.in_([row.id for row in rows])))
    return len(rows)


def provider_state(row: Session) -> dict[str, str]:
    """Return what the provider gave with a sign-in, empty when nothing. Raises SecretLost when its
    key is gone."""
    if row.provider_state is None:
        return {}
    state: dict[str, str] = json.loads(
        unseal(row.provider_state, place(Session.provider_state, token_hash=row.token_hash))
    )
    return state


def _require_enabled(provider_id: int) -> None:
    """Hold a sign-in provider as it is until this sign-in is written: whoever switches it off ends
    this session, too. Raises NotAllowed when it is off already."""
    enabled = select(AuthProvider.enabled).where(AuthProvider.id == provider_id)
    if not db.session.scalar(enabled.with_for_update(read=True)):
        raise NotAllowed("The sign-in provider was switched off.", code="provider_disabled")


def _sealed(state: Mapping[str, str] | None, hashed: str) -> str | None:
    if not state:
        return None
    return seal(json.dumps(dict(state)), place(Session.provider_state, token_hash=hashed))


def _one(user_id: int, session_id: int) -> Session:
    row = db.session.get(Session, session_id)
    if row is None or row.user_id != user_id:
        raise NotFound(f"there is no session {session_id}; list them to see which there are")
    return row


def _end(rows: list[Session]) -> None:
    """Step: delete sessions, each with its event."""
    for row in rows:
        db.session.delete(row)
        events.emit(
            "auth.session_ended",
            subject=("session", row.id),
            owner_id=row.user_id,
            before=_described(row),
        )


def _described(row: Session) -> dict[str, str | None]:
    return {"method": row.method, "address": row.address, "user_agent": row.user_agent}
