"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), and recovery codes that
stand in for a lost one, ten of them, each once.

A *step* is 30 seconds. The step before and after the present one is taken as well, for clocks that
differ; a step once taken is never taken again.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import pyotp
import segno
from sqlalchemy import delete, func, or_, select, update

from ..clock import now
from ..contracts import Viewer
from ..db import assert_unit_of_work, db, table_of, unit_of_work
from ..errors import Conflict, NotAllowed, SetTimeRule
from ..models import RecoveryCode, User
from ..secrets import place, seal, unseal
from . import authority, events, one_time_links, throttles, users
from .throttles import Rule

ISSUER = "SimpleTuner"
STEP_SECONDS = 30
RECOVERY_CODES = 10
#: Wrong codes of one account; the password was right before any of them.
TRIES = Rule("second_factor", 5, 300)
_USERS, _CODES = table_of(User), table_of(RecoveryCode)


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app needs, shown this once: a key, as text, address and QR code."""

    secret: str
    uri: str
    qr_svg: str


@dataclass(frozen=True)
class Standing:
    """How far somebody's second factor is: switched on, and how many recovery codes are left."""

    enabled: bool
    recovery_codes_left: int


def standing(user_id: int) -> Standing:
    """Return how far a user's second factor is. Raises NotFound."""
    left = db.session.scalar(
        select(func.count(RecoveryCode.id)).where(
            RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
        )
    )
    return Standing(users.get(user_id).totp_confirmed_at is not None, left or 0)


def enrol(viewer: Viewer) -> Enrolment:
    """Command: make a new key for the viewer's app; it holds once a code of it was given.

    Raises NotAllowed without a session, Conflict when a second factor is on already.
    """
    _require_session(viewer)
    secret = pyotp.random_base32()
    with unit_of_work():
        user = users.lock(viewer.user_id)
        if user.totp_confirmed_at is not None:
            raise Conflict(
                "Your second factor is on. Switch it off before you set up another app.",
                code="second_factor_on",
            )
        user.totp_secret = seal(secret, place(User.totp_secret, id=user.id))
        _tell(user, "begun", before={"enabled": False})
    uri = pyotp.TOTP(secret).provisioning_uri(name=viewer.username, issuer_name=ISSUER)
    return Enrolment(secret, uri, segno.make_qr(uri).svg_inline(scale=5, border=2))


def confirm(viewer: Viewer, code: str) -> list[str]:
    """Command: switch the second factor on with a first code; return the recovery codes, this once.

    Raises Conflict when none was begun or it is on already, SetTimeRule when the code is wrong,
    RateLimited at the sixth wrong one in five minutes.
    """
    _require_session(viewer)
    throttles.check((TRIES, str(viewer.user_id)))
    with unit_of_work():
        user = users.lock(viewer.user_id)
        if user.totp_secret is None or user.totp_confirmed_at is not None:
            raise Conflict(
                "There is no second factor to confirm; begin with POST "
                "/api/auth/second-factor/enrol.",
                code="second_factor_not_begun",
            )
        if not _take_step(user, code):
            raise _wrong()
        user.totp_confirmed_at = now()
        codes = _new_codes(user)
        _tell(user, "on", before={"enabled": False}, after={"enabled": True})
        throttles.reset(TRIES, str(user.id))
    return codes


def disable(viewer: Viewer, code: str) -> None:
    """Command: switch the viewer's own second factor off, with one more code.

    Raises SetTimeRule when the code is wrong, RateLimited at the sixth wrong one in five minutes.
    """
    throttles.check((TRIES, str(viewer.user_id)))
    with unit_of_work():
        user = users.lock(viewer.user_id)
        if user.totp_confirmed_at is not None and take(user, code) is None:
            raise _wrong()
        clear(user)
        throttles.reset(TRIES, str(user.id))


def disable_for(viewer: Viewer, user_id: int) -> None:
    """Command: switch off the second factor of somebody who lost it.

    Raises NotFound, and NotAllowed when that person may more than the viewer.
    """
    with unit_of_work(gate=authority.GATE):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        clear(user)


def renew_codes(viewer: Viewer) -> list[str]:
    """Command: make new recovery codes in place of the old; return them, this once.

    Raises Conflict when the second factor is off.
    """
    with unit_of_work():
        user = users.lock(viewer.user_id)
        if user.totp_confirmed_at is None:
            raise Conflict("Your second factor is off.", code="second_factor_off")
        codes = _new_codes(user)
        _tell(user, "recovery codes renewed")
    return codes


def is_asked_of(user: User, method: str) -> bool:
    """Tell whether a sign-in by `method` still needs a code; OpenID providers ask for their own."""
    return user.totp_confirmed_at is not None and method != "oidc"


def take(user: User, code: str) -> str | None:
    """Step: take a code of a user, so that nobody takes it again; return `totp` or
    `recovery_code`, None when it is wrong."""
    assert_unit_of_work()
    plain = code.replace(" ", "")
    if plain.isdecimal() and len(plain) == 6:
        return "totp" if user.totp_confirmed_at and _take_step(user, plain) else None
    return "recovery_code" if _take_recovery(user, plain) else None


def _take_step(user: User, code: str) -> bool:
    """Step: take the time step of a code; of two that bring it at one moment one wins."""
    if user.totp_secret is None:
        return False
    totp = pyotp.TOTP(unseal(user.totp_secret, place(User.totp_secret, id=user.id)))
    present = int(now().timestamp()) // STEP_SECONDS
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.replace(" ", "").encode()):
            last = _USERS.c.totp_last_step
            taken: Any = db.session.execute(
                update(_USERS)
                .where(_USERS.c.id == user.id, or_(last.is_(None), last < step))
                .values(totp_last_step=step)
            )
            return bool(taken.rowcount == 1)
    return False


def _take_recovery(user: User, code: str) -> bool:
    taken: Any = db.session.execute(
        update(_CODES)
        .where(
            _CODES.c.user_id == user.id,
            _CODES.c.code_hash == _digest(user.id, code),
            _CODES.c.used_at.is_(None),
        )
        .values(used_at=now())
    )
    if taken.rowcount != 1:
        return False
    _tell(user, "a recovery code was used")
    return True


def _new_codes(user: User) -> list[str]:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [one_time_links.code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        db.session.add(RecoveryCode(user_id=user.id, code_hash=_digest(user.id, code)))
    return codes


def clear(user: User) -> None:
    """Step: take the second factor and its recovery codes away."""
    before = {"enabled": user.totp_confirmed_at is not None}
    user.totp_secret = user.totp_confirmed_at = None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    _tell(user, "off", before=before, after={"enabled": False})


def _tell(
    user: User,
    what: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    events.emit(
        "auth.second_factor_changed",
        subject=("user", user.id),
        owner_id=user.id,
        data={"change": what},
        message=f"second factor of {user.username}: {what}",
        before=before,
        after=after,
    )


def _digest(user_id: int, code: str) -> str:
    plain = code.replace("-", "").upper()
    return hashlib.sha256(f"{user_id}:{plain}".encode()).hexdigest()


def _require_session(viewer: Viewer) -> None:
    if viewer.via != "session":
        raise NotAllowed(
            "Sign in with a browser to set up a second factor: it is asked at sign-in.",
            code="session_required",
        )


def _wrong() -> SetTimeRule:
    return SetTimeRule(
        "This code is not the right one, or was used already. Wait for the next and try again.",
        code="wrong_code",
        fields=[{"path": "code", "message": "wrong or used already"}],
    )
