"""The panels of the plugin: resource use on a job's page, devices on the system page."""

from __future__ import annotations

from typing import Any

from st_core.contracts import Section, Viewer
from st_core.models import Job
from st_core.services import workspaces

from . import slots, usage
from .inventory import watch
from .runs import Run

SHOWN_POINTS = 60


def sections(page: str, viewer: Viewer, subject: Any) -> list[Section]:
    """Return the panels for `page`."""
    if page == "job" and subject.provider == slots.PROVIDER and subject.attempt:
        return use_of(subject)
    if page == "system":
        return [Section("local_gpu/devices.html", devices(viewer), "Devices", "main", 10)]
    return []


def use_of(job: Job) -> list[Section]:
    """Return the panel on what a job's newest attempt uses; none before the first sample."""
    lines = usage.series(Run(workspaces.of(job), job.attempt_key))
    if not lines:
        return []
    shown = lines[:: -max(1, len(lines) // SHOWN_POINTS)][::-1]  # the newest is among them
    context = {
        "is_live": job.state.is_active,
        "newest": lines[-1],
        "rows": [row for row in [_cpu(shown), _memory(shown, lines), *_gpus(shown)] if row],
    }
    return [Section("local_gpu/usage.html", context, "Resource use", "side", 50)]


def _cpu(shown: list[dict[str, Any]]) -> dict[str, Any] | None:
    values = [line["cpu_percent"] for line in shown if line["cpu_percent"] is not None]
    if not values:
        return None
    return {"label": "CPU", "percent": values[-1], "note": "100% is one core", "values": values}


def _memory(shown: list[dict[str, Any]], lines: list[dict[str, Any]]) -> dict[str, Any]:
    values = [line["memory_bytes"] for line in shown]
    peak = max(line["memory_bytes"] for line in lines)
    return {"label": "Memory", "bytes": values[-1], "peak_bytes": peak, "values": values}


def _gpus(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per GPU of the newest sample, with its use over time."""
    rows = []
    for place, gpu in enumerate(shown[-1]["gpus"]):
        past = [line["gpus"][place] for line in shown if len(line["gpus"]) > place]
        values = [each["utilization_percent"] for each in past]
        rows.append(
            {
                "label": f"GPU {gpu['index']}",
                "gpu": gpu,
                "values": [value for value in values if value is not None],
            }
        )
    return rows


def devices(viewer: Viewer) -> dict[str, Any]:
    """Return what the devices panel shows: every GPU with its figures, every slot with its job."""
    sample, taken = watch.latest(slots.active_keys), slots.taken()
    cards = {gpu.uuid: gpu for gpu in sample.reading.gpus}
    there = slots.present()
    rows = [
        {"device": device, "gpu": cards.get(device.id), "job_id": taken.get(device.id)}
        for device in there
    ]
    return {
        "rows": rows,
        "seen": slots.visible(viewer, taken.values()),
        "driver": sample.reading.driver,
        "problem": sample.reading.problem,
        "has_gpus": any(device.is_gpu for device in there),
    }
