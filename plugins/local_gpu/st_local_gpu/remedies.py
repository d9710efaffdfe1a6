"""What would end a hold of this machine: a job that ends, or a limit that is raised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from st_core.contracts import Remedy

from .allotment import Shortage, Wish, allot
from .devices import Device

JOBS = "queue.local_job_max_concurrent"
GPUS = "queue.local_gpu_max_concurrent"


def of_places(holders: Iterable[int], running: int) -> tuple[Remedy, ...]:
    """Return what makes room where as many jobs run here as may."""
    more = running + 1
    raised = Remedy("raise_limit", JOBS, f"The limit {JOBS} is raised to {more}.", float(more))
    return (*(_end(job_id) for job_id in holders), raised)


def of_devices(
    wish: Wish, devices: Sequence[Device], taken: Mapping[str, int], most_gpus: int | None
) -> tuple[Remedy, ...]:
    """Return what alone frees enough devices for `wish`, tried with the allotment itself."""

    def fits(used: Mapping[str, int], most: int | None) -> bool:
        return not isinstance(allot(wish, devices, dict(used), most), Shortage)

    found = []
    for job_id in dict.fromkeys(taken.values()):
        left = {device: holder for device, holder in taken.items() if holder != job_id}
        if fits(left, most_gpus):
            found.append(_end(job_id))
    if most_gpus is not None and fits(taken, None):
        enough = sum(device.is_gpu and device.id in taken for device in devices) + wish.count
        text = f"The limit {GPUS} is raised to {enough}."
        found.append(Remedy("raise_limit", GPUS, text, float(enough)))
    return tuple(found)


def _end(job_id: int) -> Remedy:
    return Remedy("end_job", str(job_id), f"Job {job_id} ends and frees its devices.")
