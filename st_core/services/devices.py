"""Devices: which browsers somebody has signed in from, so that a new one can be told of, and one
that is known is heard while others guess.

A device is known by a random *mark* in a cookie, which nobody else can send; and, for telling of
new ones, by its network (the first three numbers of an IPv4 address, the first 64 bits of an IPv6
address) together with the browser's name. Both are kept as hashes.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets

from sqlalchemy import delete, select

from .. import actor
from ..clock import now
from ..db import assert_unit_of_work, db
from ..models import KnownDevice
from . import events

#: Devices remembered of one person; those not seen for longest go first.
MOST = 50
_VERSION = re.compile(r"[\d._]+")


def is_marked(user_id: int) -> bool:
    """Tell whether the present actor's mark was given at a sign-in as this user."""
    mark = actor.current().device
    return mark is not None and _find(user_id, _of_mark(user_id, mark)) is not None


def note(user_id: int) -> str | None:
    """Step: remember the present actor's device; one that is new beside known ones is an event.

    Return the mark to be put into its cookie, None when it has one already.
    """
    assert_unit_of_work()
    mark, fresh = actor.current().device, None
    if mark is None:
        mark = fresh = secrets.token_urlsafe(32)
    has_others = db.session.scalar(
        select(KnownDevice.id).where(KnownDevice.user_id == user_id).limit(1)
    )
    seen = [_remember(user_id, each) for each in (_of_mark(user_id, mark), _of_place(user_id))]
    if has_others is not None and not any(seen):
        _tell(user_id)
    _forget_oldest(user_id)
    return fresh


def network(address: str | None) -> str:
    """Return the network an address belongs to, as people move about in one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    found = getattr(found, "ipv4_mapped", None) or found
    bits = 24 if found.version == 4 else 64
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


def caller(address: str | None) -> str:
    """Return as whom an address is counted: itself, or the 64 bits that one IPv6 household has."""
    where = network(address)
    return where if ":" in where else address or where


def _remember(user_id: int, hashed: str) -> bool:
    """Step: note that a device was here; tell whether it had been before."""
    found = _find(user_id, hashed)
    if found is not None:
        found.last_seen_at = now()
        return True
    db.session.add(KnownDevice(user_id=user_id, device_hash=hashed))
    db.session.flush()
    return False


def _forget_oldest(user_id: int) -> None:
    newest = select(KnownDevice.id).where(KnownDevice.user_id == user_id)
    newest = newest.order_by(KnownDevice.last_seen_at.desc(), KnownDevice.id.desc()).limit(MOST)
    kept = list(db.session.scalars(newest))
    if len(kept) == MOST:
        db.session.execute(
            delete(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.id.not_in(kept))
        )


def _tell(user_id: int) -> None:
    who = actor.current()
    events.emit(
        "auth.new_device",
        subject=("user", user_id),
        owner_id=user_id,
        data={"address": who.address, "user_agent": who.user_agent},
        message=f"{who.name} signed in from a device not seen before",
    )


def _find(user_id: int, hashed: str) -> KnownDevice | None:
    return db.session.scalar(
        select(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.device_hash == hashed)
    )


def _of_mark(user_id: int, mark: str) -> str:
    return hashlib.sha256(f"{user_id}|mark|{mark}".encode()).hexdigest()


def _of_place(user_id: int) -> str:
    who = actor.current()
    browser = _VERSION.sub("", who.user_agent or "")
    return hashlib.sha256(f"{user_id}|{network(who.address)}|{browser}".encode()).hexdigest()
