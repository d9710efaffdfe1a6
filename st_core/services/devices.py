"""Devices: which browsers somebody has signed in from, so that a new one can be told of.

A *device* is a network (the first three numbers of an IPv4 address, the first 64 bits of an IPv6
address) and a browser without its version, kept as a hash.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re

from sqlalchemy import select

from .. import actor
from ..clock import now
from ..db import assert_unit_of_work, db
from ..models import KnownDevice
from . import events

_VERSION = re.compile(r"[\d._]+")


def is_known(user_id: int) -> bool:
    """Tell whether the present actor's device has signed in as this user before."""
    return _find(user_id, _digest(user_id)) is not None


def note(user_id: int) -> None:
    """Step: remember the present actor's device; a new one beside known ones is an event."""
    assert_unit_of_work()
    hashed = _digest(user_id)
    found = _find(user_id, hashed)
    if found is not None:
        found.last_seen_at = now()
        return
    has_others = db.session.scalar(
        select(KnownDevice.id).where(KnownDevice.user_id == user_id).limit(1)
    )
    device = KnownDevice(user_id=user_id, device_hash=hashed)
    db.session.add(device)
    db.session.flush()
    if has_others is not None:
        who = actor.current()
        events.emit(
            "auth.new_device",
            subject=("user", user_id),
            owner_id=user_id,
            data={"address": who.address, "user_agent": who.user_agent},
            message=f"{who.name} signed in from a device not seen before",
        )


def network(address: str | None) -> str:
    """Return the network an address belongs to, as people move about in one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    found = getattr(found, "ipv4_mapped", None) or found
    bits = 24 if found.version == 4 else 64
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


def _find(user_id: int, hashed: str) -> KnownDevice | None:
    return db.session.scalar(
        select(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.device_hash == hashed)
    )


def _digest(user_id: int) -> str:
    who = actor.current()
    browser = _VERSION.sub("", who.user_agent or "")
    return hashlib.sha256(f"{user_id}|{network(who.address)}|{browser}".encode()).hexdigest()
