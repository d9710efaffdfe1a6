"""Let callers from internal networks in without signing in, and keep a record of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app

from st_core.actor import Actor, acting
from st_core.clock import iso
from st_core.contracts import EventType, Identity, Service
from st_core.db import unit_of_work
from st_core.services import events

from . import account, rules
from .middleware import KEY, Arrival, TrustedHeaders
from .rules import Rules
from .uses import Record, Uses

if TYPE_CHECKING:
    from flask import Request

EXTENSION = "st_network_trust"
BYPASSED = "network_trust.auth_bypassed"
EVENT_TYPES = [
    EventType(
        BYPASSED,
        "Callers were let in by their network, without signing in",
        "auth",
        permission="admin.audit",
        audit_name="auth.bypassed",
    )
]


@dataclass(frozen=True)
class Trust:
    """What one app knows: the rules, and who made use of them."""

    rules: Rules
    uses: Uses = field(default_factory=Uses)


def configure(app: Flask, settings: Any) -> None:
    """Put the rules in force. Raises ConfigError when they cannot be read."""
    trust = Trust(rules.read(settings))
    app.extensions[EXTENSION] = trust
    app.wsgi_app = TrustedHeaders(app.wsgi_app, trust.rules)  # type: ignore[method-assign]


def start(app: Flask) -> None:
    """Make the system user when callers are to be let in. Raises ConfigError for a level that will
    not do.
    """
    trust: Trust = app.extensions[EXTENSION]
    if trust.rules.lets_in:
        account.ensure(trust.rules.level)


def identify(request: Request) -> Identity | None:
    """Return the system user when the request surely comes from an internal network."""
    trust: Trust = current_app.extensions[EXTENSION]
    arrival: Arrival = request.environ[KEY]
    address = arrival.caller.address
    if not trust.rules.lets_in or address is None or not trust.rules.is_internal(address):
        return None
    if why := _objection(arrival, trust.rules):
        trust.uses.refuse(str(address), why)
        return None
    user_id = account.active_id()
    if user_id is None:
        trust.uses.refuse(str(address), f"the user {account.NAME} is deactivated or deleted")
        return None
    trust.uses.admit(str(address), f"{request.method} {request.path}", trust.rules.level)
    return Identity(user_id, "network", f"{address} is internal", level=trust.rules.level)


def _objection(arrival: Arrival, rules: Rules) -> str:
    """Return why a request from an internal address is not let in, empty when nothing is wrong."""
    if arrival.caller.doubt:
        return arrival.caller.doubt
    strange = [host for host in arrival.hosts if not rules.is_our_name(host)]
    if strange:
        return f"it asks for {strange[0]!r:.80}, a name that is not in network.bypass_hosts"
    return ""


def record(*, all_of_them: bool = False) -> None:
    """Command: write what is due into the journal, one event for each address."""
    trust: Trust = current_app.extensions[EXTENSION]
    records = trust.uses.due(all_of_them=all_of_them)
    if not records:
        return
    try:
        with unit_of_work():
            for each in records:
                _record(each, trust.rules.level)
    except Exception:
        trust.uses.put_back(records)
        raise


def _record(use: Record, level: str) -> None:
    """Step: write one address."""
    with acting(Actor(account.NAME, account.active_id(), address=use.address, door="api")):
        events.emit(
            BYPASSED,
            subject=("address", use.address),
            message=f"Auth bypassed for IP {use.address}: {use.requests} requests as {level}",
            data={"address": use.address, "requests": use.requests, "since": iso(use.since)},
        )


SERVICES = [Service("network_trust.record", record, every_seconds=60.0, exclusive=False)]
