"""What SimpleTuner itself writes: metric lines, media lines, and its manifest."""

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


def _moment(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError):
        return None
