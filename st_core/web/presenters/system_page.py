"""What the system's page shows: the machine, its devices, the health of every part, services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...clock import now
from ...contracts import Hardware, Service
from ...services import registries
from .. import formats
from .job_list import Tile

#: From this share on a meter warns, and from this one it is over.
WARNING_PERCENT, OVER_PERCENT = 80.0, 95.0
HEALTH = {
    "healthy": ("ok", "Healthy"),
    "degraded": ("warn", "Degraded"),
    "unhealthy": ("bad", "Unhealthy"),
}


@dataclass(frozen=True)
class Device:
    """A device of this machine and the job that has it; `job_id` is None while it is free."""

    name: str
    kind: str
    provider: str
    memory: str
    job_id: str | None
    in_use: bool


@dataclass(frozen=True)
class Part:
    """One part of the server and how it is."""

    name: str
    state: str
    word: str
    message: str
    took: str


@dataclass(frozen=True)
class ServiceLine:
    """Work that goes on beside requests, and which process carries it."""

    name: str
    rhythm: str
    where: str
    until: datetime | None


@dataclass(frozen=True)
class Level:
    """How full something is, for a meter."""

    label: str
    words: str
    percent: float
    cls: str


def tiles(status: Mapping[str, Any]) -> list[Tile]:
    """Return the figures at the top."""
    load = status["load_avg_5min"]
    return [
        Tile("Up for", formats.duration(status["uptime_seconds"])),
        Tile("Active jobs", formats.number(status["jobs_active"])),
        Tile("Waiting", formats.number(status["jobs_queued"])),
        Tile(
            "Load, 5 min",
            formats.number(load, 2),
            f"on {formats.plural(status['cpu_count'], 'core')}",
        ),
    ]


def levels(status: Mapping[str, Any]) -> list[Level]:
    """Return memory and disk."""
    total = status["memory_total_bytes"]
    used = total * status["memory_percent"] / 100
    free = formats.file_size(status["disk_free_bytes"])
    return [
        _level(
            "Memory", f"{formats.memory(used)} of {formats.memory(total)}", status["memory_percent"]
        ),
        _level(
            "Disk of the state folder",
            f"{free} free of {formats.file_size(status['disk_total_bytes'])}",
            100 * (1 - status["disk_free_bytes"] / (status["disk_total_bytes"] or 1)),
        ),
    ]


def _level(label: str, words: str, percent: float) -> Level:
    cls = "over" if percent >= OVER_PERCENT else "warning" if percent >= WARNING_PERCENT else ""
    return Level(label, words, percent, cls)


def devices(
    hardware: Sequence[tuple[str, Hardware]], allocation: Sequence[Mapping[str, Any]]
) -> list[Device]:
    """Return every device jobs can be given, with the job that has it."""
    holders = {one["device"]: one["job_id"] for one in allocation}
    return [
        Device(
            name=device,
            kind=kind.name,
            provider=registries.providers()[provider].title,
            memory=formats.memory(kind.memory_bytes) if kind.memory_bytes else "",
            job_id=holders.get(device),
            in_use=device in holders,
        )
        for provider, kind in hardware
        for device in kind.devices
    ]


def parts(report: Mapping[str, Any]) -> list[Part]:
    """Return how every part is."""
    return [
        Part(
            name=one["name"].replace("_", " "),
            state=HEALTH[one["status"]][0],
            word=HEALTH[one["status"]][1],
            message=one["message"] or "",
            took=f"{one['latency_ms']:.0f} ms",
        )
        for one in report["components"]
    ]


def services(
    found: Sequence[Service], leases: Sequence[Mapping[str, Any]], here: str, runs_here: bool
) -> Iterator[ServiceLine]:
    """Return the services; an exclusive one is carried by whoever holds its lease."""
    held = {one["name"].removeprefix("service "): one for one in leases}
    for one in found:
        lease = held.get(one.name)
        alive = lease is not None and lease["expires_at"] > now()
        if one.exclusive:
            where = _process(lease["owner"], here) if alive and lease else "nobody just now"
        else:
            where = "every process" if runs_here else "other processes"
        rhythm = (
            "always"
            if one.forever
            else f"every {formats.duration(one.every_seconds)}, or when woken"
        )
        yield ServiceLine(one.name, rhythm, where, lease["expires_at"] if alive and lease else None)


def _process(owner: str, here: str) -> str:
    return f"this process ({owner})" if owner == here else owner
