"""What the plugin tells operators: health of GPUs and disk, Prometheus families, and its events."""

from __future__ import annotations

from collections import Counter

from st_core.contracts import EventType, HealthCheck, HealthResult, Metric, Severity

from . import disk, slots
from .gpus import Gpu
from .inventory import watch

EVENT_TYPES = [
    EventType(
        "local_gpu.device_lost",
        "A GPU stopped answering",
        "system",
        Severity.ERROR,
        permission="queue.view",
    ),
    EventType(
        "local_gpu.device_back", "A lost GPU answers again", "system", permission="queue.view"
    ),
]
#: family → (help, field of `Gpu`)
FAMILIES = {
    "simpletuner_gpu_utilization_percent": ("How busy the GPU is", "utilization_percent"),
    "simpletuner_gpu_memory_used_bytes": ("GPU memory in use", "memory_used_bytes"),
    "simpletuner_gpu_memory_total_bytes": ("GPU memory there is", "memory_total_bytes"),
    "simpletuner_gpu_temperature_celsius": ("Temperature of the GPU", "temperature_celsius"),
    "simpletuner_gpu_power_watts": ("Power the GPU draws", "power_watts"),
}


def gpu_health() -> HealthResult:
    """Say whether the driver and every GPU answer."""
    reading = watch.latest(slots.active_keys).reading
    if reading.problem:
        return HealthResult("unhealthy", reading.problem)
    lost = [f"GPU {gpu.index} ({gpu.name})" for gpu in reading.gpus if gpu.is_lost]
    if lost:
        text = f"{', '.join(lost)} no longer answers; dmesg may say why (Xid), then restart."
        return HealthResult("degraded", text)
    return HealthResult("healthy")


HEALTH_CHECKS = [
    HealthCheck("gpus", gpu_health),
    HealthCheck("disk", disk.health),
]


def families() -> list[Metric]:
    """Return the GPUs' figures and the slots; a figure that a card does not tell has no sample."""
    gpus = watch.latest(slots.active_keys).reading.gpus
    found = [
        Metric(name, "gauge", help_, tuple(_samples(gpus, field)))
        for name, (help_, field) in FAMILIES.items()
    ]
    return found + _slots()


def _samples(gpus: tuple[Gpu, ...], field: str) -> list[tuple[dict[str, str], float]]:
    return [
        ({"gpu": str(gpu.index), "uuid": gpu.uuid, "name": gpu.name}, float(value))
        for gpu in gpus
        if (value := getattr(gpu, field)) is not None
    ]


def _slots() -> list[Metric]:
    devices, taken = slots.present(), slots.taken()
    there = Counter(device.kind for device in devices)
    used = Counter(device.kind for device in devices if device.id in taken)
    barred = Counter(device.kind for device in devices if device.trouble)
    return [
        Metric(name, "gauge", help_, tuple(({"kind": kind}, float(count[kind])) for kind in there))
        for name, help_, count in (
            ("simpletuner_local_slots", "Slots of this machine", there),
            ("simpletuner_local_slots_in_use", "Slots that jobs have", used),
            ("simpletuner_local_slots_barred", "Slots not given out: lost, or busy", barred),
        )
    ]
