"""The product's own progress protocol, version 1: JSON lines in the file `$TRAINER_EVENTS`.

    {"v": 1, "type": "progress", "step": 120, "total": 1000, "metrics": {"loss": 0.51}}

Types are status, resume, stage, progress, checkpoint, sample and error; readers ignore every other
type (`dataset`, `log`, …) and every unknown key, so a trainer may say more than we read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .numbers import metrics_of, number, whole
from .readings import Reading

VERSION = 1


def parse_event_line(line: str) -> Reading | None:
    """Return what one line of the protocol tells, or None for a torn or foreign line."""
    fields = json_object(line)
    if fields is None or fields.get("v", VERSION) != VERSION:
        return None
    make = _MAKERS.get(str(fields.get("type")))
    return make(fields) if make else None


def json_object(line: str) -> dict[str, Any] | None:
    """Return the JSON object that `line` holds, or None when it holds none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _common(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": whole(fields.get("step")),
        "total": whole(fields.get("total")),
        "epoch": number(fields.get("epoch")),
        "epochs": number(fields.get("epochs")),
        "eta_seconds": number(fields.get("eta_seconds")),
        "metrics": metrics_of(fields.get("metrics")),
        "at": number(fields.get("ts")),
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


_STATUS_EVENTS = {
    "starting": "started",
    "completed": "completed",
    "stopped": "stopped",
    "failed": "failed",
}


def _status(fields: Mapping[str, Any]) -> Reading:
    status = str(fields.get("status"))
    message = _text(fields.get("message")) or _text(fields.get("reason"))
    return Reading(**_common(fields), event=_STATUS_EVENTS.get(status), message=message)


def _resume(fields: Mapping[str, Any]) -> Reading:
    return Reading(**_common(fields), event="resumed")


def _stage(fields: Mapping[str, Any]) -> Reading:
    stage = next(filter(None, (_text(fields.get(key)) for key in ("label", "stage", "name"))), None)
    return Reading(**_common(fields), stage=stage)


def _progress(fields: Mapping[str, Any]) -> Reading:
    return Reading(**_common(fields), stage=_text(fields.get("stage")))


def _file(event: str) -> Callable[[Mapping[str, Any]], Reading]:
    return lambda fields: Reading(**_common(fields), event=event, path=_text(fields.get("path")))


def _error(fields: Mapping[str, Any]) -> Reading:
    message = _text(fields.get("message")) or "the trainer reported an error without a text"
    return Reading(**_common(fields), event="failed", message=message)


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Reading]] = {
    "status": _status,
    "resume": _resume,
    "stage": _stage,
    "progress": _progress,
    "checkpoint": _file("checkpoint"),
    "sample": _file("sample"),
    "error": _error,
}
