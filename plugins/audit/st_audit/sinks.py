"""Where the log is sent: what an administrator sets, and how each place keeps up.

There is one webhook and one syslog receiver. A place gets what is written from the moment on at
which it was set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from st_core import outgoing, secrets
from st_core.db import assert_unit_of_work, db, unit_of_work
from st_core.errors import SetTimeRule
from st_core.services import events

from . import ledger
from .models import AuditSink

WEBHOOK, SYSLOG = "webhook", "syslog"
PORTS = {"udp": 514, "tcp": 514, "tls": 6514}


def current() -> dict[str, AuditSink]:
    """Return the places that are set, by name."""
    return {sink.name: sink for sink in db.session.scalars(select(AuditSink))}


def behind(sink: AuditSink) -> int:
    """Return how many entries a place has not taken yet."""
    return max(ledger.read().number - sink.cursor, 0)


def described() -> dict[str, Any]:
    """Return what is set, the token as a mark that there is one."""
    found = current()
    webhook, syslog = found.get(WEBHOOK), found.get(SYSLOG)
    shared = next((sink.options for sink in (webhook, syslog) if sink), {})
    told: dict[str, Any] = {
        "format": shared.get("format", "json"),
        "security_only": shared.get("security_only", False),
        "webhook_url": webhook.options["url"] if webhook else None,
        "has_auth_token": bool(webhook and webhook.token),
    }
    for name in ("host", "port", "protocol"):
        told[f"syslog_{name}"] = syslog.options[name] if syslog else None
    return told


def change(given: Mapping[str, Any]) -> None:
    """Command: set what is given; the rest stays.

    Raises DestinationRefused for a place no request may go to, SetTimeRule for a token without a
    webhook.
    """
    if given.get("webhook_url"):
        outgoing.check_url(given["webhook_url"], "webhook_url")
    if given.get("syslog_host"):
        outgoing.check_host(given["syslog_host"], "syslog_host")
    with unit_of_work(gate="submit"):
        before = described()
        wanted = {**before, **{name: value for name, value in given.items() if value is not None}}
        for name in ("webhook_url", "syslog_host"):
            if name in given:
                wanted[name] = given[name]
        if given.get("auth_token") and not wanted["webhook_url"]:
            raise SetTimeRule("auth_token is for a webhook; give webhook_url as well.")
        shared = {name: wanted[name] for name in ("format", "security_only")}
        _set(WEBHOOK, wanted["webhook_url"], {**shared, "url": wanted["webhook_url"]})
        _set(SYSLOG, wanted["syslog_host"], {**shared, **_syslog(wanted)})
        _token(given.get("auth_token"))
        db.session.flush()
        _tell(before, described(), "auth_token" in given and given["auth_token"] is not None)


def _syslog(wanted: Mapping[str, Any]) -> dict[str, Any]:
    protocol = wanted["syslog_protocol"] or "tcp"
    port = wanted["syslog_port"] or PORTS[protocol]
    return {"host": wanted["syslog_host"], "port": port, "protocol": protocol}


def _set(name: str, place: str | None, options: dict[str, Any]) -> None:
    """Step: make, change or take away one place; a new one begins at the end of the log."""
    assert_unit_of_work()
    sink = db.session.get(AuditSink, name)
    if place is None:
        if sink is not None:
            db.session.delete(sink)
    elif sink is None:
        cursor = ledger.read().number
        db.session.add(AuditSink(name=name, enabled=True, options=options, cursor=cursor))
    elif sink.options != options:
        sink.options, sink.failures, sink.next_at, sink.error = options, 0, None, None


def _token(token: str | None) -> None:
    sink = db.session.get(AuditSink, WEBHOOK)
    if sink is not None and token is not None:
        purpose = secrets.place(AuditSink.token, name=WEBHOOK)
        sink.token = secrets.seal(token, purpose) if token else None


def _tell(before: dict[str, Any], after: dict[str, Any], is_new_token: bool) -> None:
    if before != after or is_new_token:
        events.emit(
            "audit.streaming_changed",
            subject=("audit", "streaming"),
            before=before,
            after={**after, "token_changed": is_new_token},
            message="Where the audit log is sent was changed",
        )
