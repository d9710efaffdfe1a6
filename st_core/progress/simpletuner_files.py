"""What SimpleTuner itself writes: metric lines, media lines, its manifest, and webhook messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .event_lines import json_object
from .numbers import metrics_of, number, whole
from .readings import Reading

#: Names in its metrics that are no curve of their own.
_NOT_METRICS = frozenset({"epoch", "step", "global_step"})


def parse_metrics_line(line: str) -> Reading | None:
    """Return a line of `training_metrics.jsonl`, written once per step."""
    fields = json_object(line)
    values = fields.get("metrics") if fields else None
    if fields is None or not isinstance(values, Mapping):
        return None
    return Reading(
        step=whole(fields.get("step")),
        epoch=number(values.get("epoch")),
        metrics=metrics_of(values, skip=_NOT_METRICS),
        at=_moment(fields.get("timestamp")),
    )


def media_parser(output_dir: str) -> Callable[[str], Reading | None]:
    """Return the parser of `validation_media.jsonl`; its paths are relative to `output_dir`."""

    def parse(line: str) -> Reading | None:
        fields = json_object(line)
        path = fields.get("path") if fields else None
        if fields is None or not isinstance(path, str):
            return None
        place = path if path.startswith("/") else f"{output_dir}/{path}"
        return Reading(step=whole(fields.get("step")), event="sample", path=place)

    return parse


def parse_manifest(text: str) -> list[Reading]:
    """Return what `training_metrics.json` says; it is replaced as a whole.

    Its status stays `running` after a kill, so only `completed` means something.
    """
    fields = json_object(text)
    if fields is None:
        return []
    settings = fields.get("config")
    total = whole(settings.get("max_train_steps")) if isinstance(settings, Mapping) else None
    event = "completed" if fields.get("status") == "completed" else None
    return [Reading(total=total or None, event=event)]


def parse_hook_line(line: str) -> Reading | None:
    """Return what one webhook message (a line of JSON) tells, or None for mere chatter."""
    fields = json_object(line)
    if fields is None:
        return None
    make = _MAKERS.get(str(fields.get("type")))
    return make(fields) if make else None


def _status(fields: Mapping[str, Any]) -> Reading:
    # The status stands inside `data` while running, but at the top when the run failed or was
    # interrupted: both are accepted.
    data = _mapping(fields.get("data"))
    progress = _mapping(fields.get("progress"))
    status = str(fields.get("status") or data.get("status"))
    ended = {"failed": "failed", "error": "failed", "interrupted": "stopped"}.get(status)
    values = _mapping(progress.get("metrics"))
    return Reading(
        step=whole(progress.get("current", data.get("global_step"))),
        total=whole(progress.get("total", data.get("total_num_steps"))),
        epoch=number(data.get("current_epoch", values.get("epoch"))),
        eta_seconds=number(progress.get("eta_seconds")),
        metrics=metrics_of(values, skip=_NOT_METRICS),
        event=ended,
        message=_text(fields) if ended else None,
        at=_moment(fields.get("timestamp")),
    )


def _stage(fields: Mapping[str, Any]) -> Reading:
    stage = _mapping(fields.get("stage"))
    progress = _mapping(stage.get("progress"))
    label = str(stage.get("label") or stage.get("key") or "") or None
    percent = number(progress.get("percent"))
    if label and percent is not None and stage.get("status") == "running":
        label = f"{label} {percent:.0f} %"
    ended = stage.get("key") == "training_complete" and stage.get("status") != "failed"
    return Reading(
        stage=label,
        event="completed" if ended else None,
        at=_moment(fields.get("timestamp")),
    )


def _checkpoint(fields: Mapping[str, Any]) -> Reading:
    path = _mapping(fields.get("checkpoint")).get("path")
    return Reading(event="checkpoint", path=path if isinstance(path, str) else None)


def _error(fields: Mapping[str, Any]) -> Reading:
    return Reading(event="failed", message=_text(fields), at=_moment(fields.get("timestamp")))


def _text(fields: Mapping[str, Any]) -> str:
    text = fields.get("message") or fields.get("title")
    return str(text) if text else "SimpleTuner reported an error without a text"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _moment(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError):
        return None


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Reading]] = {
    "training.status": _status,
    "lifecycle.stage": _stage,
    "training.checkpoint": _checkpoint,
    "error": _error,
}
