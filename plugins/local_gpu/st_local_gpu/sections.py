"""The panels of the plugin: resource use on a job's page, devices on the system page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
        "rows": list(_rows(shown, lines)),
    }
    return [Section("local_gpu/usage.html", context, "Resource use", "side", 50)]


@dataclass(frozen=True)
class Row:
    """One line of the panel: the newest figure, and how it went. Sizes in bytes, CPU in percent."""

    label: str
    values: list[float]
    percent: float | None = None
    memory_bytes: int | None = None
    peak_bytes: int | None = None
    gpu: dict[str, Any] | None = None


def _rows(shown: list[dict[str, Any]], lines: list[dict[str, Any]]) -> Iterator[Row]:
    """Yield CPU (from the second sample on), memory, and each GPU of the newest sample."""
    cpu = [line["cpu_percent"] for line in shown if line["cpu_percent"] is not None]
    if cpu:
        yield Row("CPU", cpu, percent=cpu[-1])
    memory = [line["memory_bytes"] for line in shown]
    peak = max(line["memory_bytes"] for line in lines)
    yield Row("Memory", memory, memory_bytes=memory[-1], peak_bytes=peak)
    for place, gpu in enumerate(shown[-1]["gpus"]):
        past = [line["gpus"][place] for line in shown if len(line["gpus"]) > place]
        values = [each["utilization_percent"] for each in past]
        known = [value for value in values if value is not None]
        yield Row(f"GPU {gpu['index']}", known, gpu=gpu)


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
