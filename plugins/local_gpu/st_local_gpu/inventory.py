"""The devices of this machine, as they were when last looked at: GPUs from NVML, CPU slots from a
setting.

One sample per process, in memory, renewed by a service; whoever decides or draws reads it without
waiting. A *foreign* process uses a GPU but belongs to none of our jobs.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from .devices import Device, cpu_slots, kind_of
from .gpus import Gpu, Nvml, Reading
from .shepherd import kin

SAMPLE_SECONDS = 5.0
STALE_SECONDS = 4 * SAMPLE_SECONDS


@dataclass(frozen=True)
class Foreign:
    """A process on a GPU that is not ours; `memory_bytes` None: the driver does not say."""

    pid: int
    user: str
    memory_bytes: int | None


@dataclass(frozen=True)
class Sample:
    """All GPUs at one moment (`at`, seconds since the epoch), with the foreign processes on each by
    UUID.
    """

    reading: Reading = field(default_factory=Reading)
    foreign: dict[str, tuple[Foreign, ...]] = field(default_factory=dict)
    at: float = 0.0


class Watch:
    """Looks at the GPUs and remembers what it saw."""

    def __init__(self) -> None:
        self._nvml = Nvml()
        self._lock = threading.Lock()
        self._latest: Sample | None = None

    def look(self, own_keys: set[str]) -> Sample:
        """Look now; processes that carry one of `own_keys` as their mark are ours."""
        reading = self._nvml.read()
        foreign = {gpu.uuid: tuple(_foreign(gpu, own_keys)) for gpu in reading.gpus}
        with self._lock:
            self._latest = Sample(reading, foreign, time.time())
            return self._latest

    def latest(self, own_keys: Callable[[], set[str]]) -> Sample:
        """Return what was seen last; looks again where no service of this process does."""
        seen = self._latest
        if seen is None or time.time() - seen.at > STALE_SECONDS:
            return self.look(own_keys())
        return seen

    def close(self) -> None:
        """Let the library go and forget what was seen."""
        self._nvml.close()
        self._latest = None


#: The watch of this process.
watch = Watch()


def _foreign(gpu: Gpu, own_keys: set[str]) -> list[Foreign]:
    return [
        Foreign(pid, _user_of(pid), memory)
        for pid, memory in gpu.processes
        if not _is_ours(pid, own_keys)
    ]


def _is_ours(pid: int, own_keys: set[str]) -> bool:
    """Tell whether a process, or one above it, carries the mark of one of our running jobs."""
    try:
        line = [pid, *(parent.pid for parent in psutil.Process(pid).parents())]
    except (psutil.Error, OSError):
        line = [pid]
    return any(kin.mark_of(each) in own_keys for each in line)


def _user_of(pid: int) -> str:
    try:
        return psutil.Process(pid).username()
    except (psutil.Error, OSError, KeyError):
        return "unknown"


def slot_count(configured: int | None) -> int:
    """Return how many CPU slots there are: as configured, else half of the cores, at least one."""
    return max(1, (os.cpu_count() or 1) // 2) if configured is None else configured


def devices(sample: Sample, offered: Sequence[str], busy_bytes: int, slots: int) -> list[Device]:
    """Return everything a job could be given, GPUs first; what may not be given now says why.

    `offered` names GPUs by UUID or index (empty: all). Foreign processes that hold more than
    `busy_bytes` make a GPU busy. A GPU in MIG mode is given out in its parts.
    """
    found = []
    parts: Counter[str] = Counter()
    for gpu in sample.reading.gpus:
        if gpu.has_mig or (offered and not {gpu.uuid, str(gpu.index), gpu.parent} & set(offered)):
            continue
        label = f"GPU {gpu.index}"
        if gpu.parent:
            label += f", part {parts[gpu.parent]}"
            parts[gpu.parent] += 1
        trouble = _trouble(gpu, sample.foreign.get(gpu.uuid, ()), busy_bytes)
        memory, is_mig = gpu.memory_total_bytes, gpu.parent is not None
        found.append(Device(gpu.uuid, _kind(gpu), gpu.name, label, memory, trouble, is_mig))
    return found + cpu_slots(slots)


def _kind(gpu: Gpu) -> str:
    """Return a GPU's kind; not every driver's name of a MIG instance says which part it is."""
    kind = kind_of(gpu.name)
    if gpu.parent and "mig" not in kind:
        kind += "-mig"
        if gpu.memory_total_bytes:
            kind += f"-{round(gpu.memory_total_bytes / 2**30)}gb"
    return kind


def _trouble(gpu: Gpu, foreign: Sequence[Foreign], busy_bytes: int) -> str:
    """Say why a GPU is not given out, or an empty string."""
    if gpu.is_lost:
        return "does not answer any more; the machine may need a restart"
    if sum(_held(process, gpu) for process in foreign) > busy_bytes:
        most = max(foreign, key=lambda process: _held(process, gpu))
        return f"is busy with a process that is not ours (pid {most.pid}, user {most.user})"
    return ""


def _held(process: Foreign, gpu: Gpu) -> int:
    """Return what a foreign process holds; when the driver does not say, all that is in use."""
    return (gpu.memory_used_bytes or 0) if process.memory_bytes is None else process.memory_bytes


def kinds(found: Sequence[Device]) -> dict[str, list[Device]]:
    """Return the devices by kind, in their order."""
    grouped: dict[str, list[Device]] = {}
    for device in found:
        grouped.setdefault(device.kind, []).append(device)
    return grouped
