"""Turn events into entries, and entries into the text that is sealed and hashed.

The text is the canonical JSON of `verifier`, put together by hand: it is made for every event, and
`details`, `before` and `after` are canonical already.
"""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import Any, cast

from flask import current_app
from sqlalchemy import Result

from st_core.contracts import EventType

from .models import AuditEntry
from .verifier import canonical, digest

COLUMNS = tuple(column.name for column in AuditEntry.__table__.columns)
KIND = '"entry"'
JSON_FIELDS = frozenset({"details", "before", "after"})
_ALL = tuple(sorted({*COLUMNS, "kind"}))
_BEFORE_SEAL = tuple(name for name in _ALL if name < "seal" and name != "entry_hash")
_AFTER_SEAL = tuple(name for name in _ALL if name > "seal")


def rows_of(found: Result[Any]) -> Sequence[Mapping[str, Any]]:
    """Return what a query found, each row by the names of its columns."""
    return cast(Sequence[Mapping[str, Any]], found.mappings().all())


def timestamp(moment: datetime) -> str:
    """Return a moment as entries hold it: UTC, always with microseconds, so that text sorts."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of one row of the journal, not numbered, sealed or hashed yet."""
    kind: EventType = current_app.extensions["st"].event_types[event["name"]]
    event_type = kind.audit_name or kind.name
    return {
        "event_id": event["id"],
        "timestamp": timestamp(event["created_at"]),
        "event_type": event_type,
        "name": kind.name,
        "category": kind.category,
        "severity": event["severity"],
        "actor_id": event["actor_id"],
        "actor_username": event["actor_name"],
        "on_behalf_of": event["on_behalf_of_id"],
        "actor_ip": event["address"],
        "door": event["door"],
        "request_id": event["request_id"],
        "target_type": event["subject_type"],
        "target_id": event["subject_id"],
        "action": event_type.rpartition(".")[2],
        "message": event["message"],
        "details": _written(event["data"] or {}),
        "before": None if event["before"] is None else _written(event["before"]),
        "after": None if event["after"] is None else _written(event["after"]),
    }


def _written(value: Any) -> str:
    """Return canonical JSON of any value the journal takes: not a number becomes its name."""
    try:
        if _has_odd_keys(value):
            value = json.loads(json.dumps(value))
        return canonical(value)
    except ValueError:
        return canonical(_finite(json.loads(json.dumps(value))))


def _has_odd_keys(value: Any) -> bool:
    """Tell whether some key is no text; sorted as it is now, it would be hashed in another order
    than its reader sees."""
    if isinstance(value, dict):
        return any(type(key) is not str or _has_odd_keys(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(_has_odd_keys, value))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def close(entry: dict[str, Any], seal_key: bytes) -> None:
    """Put seal and hash into a numbered entry that names the hash before it."""
    both = parts(entry)
    entry["seal"] = seal(both, seal_key)
    entry["entry_hash"] = digest(text(both, entry["seal"]))


def parts(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text of an entry before and after its seal."""
    return _part(entry, _BEFORE_SEAL), _part(entry, _AFTER_SEAL)


def seal(both: tuple[str, str], seal_key: bytes) -> str:
    """Return the keyed hash of an entry's text, in hex."""
    return hmac.digest(seal_key, f"{both[0]},{both[1]}".encode(), "sha256").hex()


def text(both: tuple[str, str], its_seal: Any) -> str:
    """Return the text whose SHA-256 is the entry's hash."""
    return f'{{{both[0]},"seal":{_raw(its_seal)},{both[1]}}}'


def line(entry: Mapping[str, Any]) -> str:
    """Return an entry as a line of an export."""
    return "{" + _part(entry, _ALL) + "}"


def _part(entry: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return ",".join(
        f'"{name}":{_raw(entry[name], name in JSON_FIELDS) if name != "kind" else KIND}'
        for name in names
    )


def _raw(value: Any, is_json: bool = False) -> str:
    if value is None:
        return "null"
    if type(value) is str:
        return value if is_json else encode_basestring_ascii(value)
    if type(value) is int:
        return str(value)
    return encode_basestring_ascii(repr(value))  # a cell that somebody filled with something else
