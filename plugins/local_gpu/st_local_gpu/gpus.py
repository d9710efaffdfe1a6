"""What NVIDIA's management library (NVML) says about the GPUs of this machine.

Cards differ in what they can tell, so every field is asked for on its own and None means "not
known", never 0. A GPU that stops answering is reported as lost, under the name it had.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pynvml as nvml

#: Reasons for slower clocks that are worth a word; idle and the usual power cap are not.
SLOWDOWNS = {
    0x8: "hardware slowdown",
    0x20: "too warm (software limit)",
    0x40: "too warm (hardware limit)",
    0x80: "power supply brake",
}
MILLIWATTS = 1000
#: What is live about a GPU, by the names of `Gpu`'s fields.
FIGURES = (
    "utilization_percent",
    "memory_used_bytes",
    "memory_total_bytes",
    "temperature_celsius",
    "power_watts",
)


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one MIG instance of one (then `parent` is that GPU's UUID). None: the driver does
    not say.
    """

    uuid: str
    index: int
    name: str
    parent: str | None = None
    is_lost: bool = False
    has_mig: bool = False
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    utilization_percent: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    slowdowns: tuple[str, ...] = ()
    uncorrected_errors: int | None = None
    bus_id: str | None = None
    compute_capability: str | None = None
    processes: tuple[tuple[int, int | None], ...] = ()  # (pid, bytes)

    @property
    def figures(self) -> dict[str, Any]:
        """Return the live figures by name."""
        return {name: getattr(self, name) for name in FIGURES}


@dataclass(frozen=True)
class Reading:
    """All GPUs at one moment. `problem` is a sentence when the library is there but fails."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    problem: str | None = None


class Nvml:
    """The library, opened when first asked and opened again after a driver was reloaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open = False
        self._known: dict[int, Gpu] = {}

    def read(self) -> Reading:
        """Ask every GPU. No library or no driver is no GPUs and no problem: most laptops are like
        that.
        """
        with self._lock:
            try:
                if not self._is_open:
                    nvml.nvmlInit()
                    self._is_open = True
                count = nvml.nvmlDeviceGetCount()
                gpus = [gpu for index in range(count) for gpu in self._card(index)]
                driver = _ask(nvml.nvmlSystemGetDriverVersion)
                if any(gpu.is_lost for gpu in gpus):
                    self._close()  # only a library opened anew sees a card that came back
            except nvml.NVMLError as error:
                self._close()
                return Reading(problem=_problem(error))
        return Reading(tuple(gpus), driver)

    def close(self) -> None:
        """Let the library go; the next `read` opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            _ask(nvml.nvmlShutdown)

    def _card(self, index: int) -> list[Gpu]:
        """Return the GPU at `index` and its MIG instances."""
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            gpu = _gpu(handle, index, nvml.nvmlDeviceGetUUID(handle))
        except nvml.NVMLError as error:
            if isinstance(error, nvml.NVMLError_Uninitialized):
                raise
            known = self._known.get(index, Gpu(f"unknown-{index}", index, "unknown GPU"))
            return [Gpu(known.uuid, index, known.name, is_lost=True)]
        self._known[index] = gpu
        return [gpu, *_instances(handle, gpu)] if gpu.has_mig else [gpu]


def _ask(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what NVML answers, or None when this card, driver or mode does not support the
    question.
    """
    try:
        return call(*arguments)
    except nvml.NVMLError:
        return None


def _gpu(handle: Any, index: int, uuid: str) -> Gpu:
    """Ask one device for everything it can tell."""
    memory = _ask(nvml.nvmlDeviceGetMemoryInfo, handle)
    load = _ask(nvml.nvmlDeviceGetUtilizationRates, handle)
    power = _ask(nvml.nvmlDeviceGetPowerUsage, handle)
    limit = _ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    bus = _ask(nvml.nvmlDeviceGetPciInfo, handle)
    capability = _ask(nvml.nvmlDeviceGetCudaComputeCapability, handle)
    mig = _ask(nvml.nvmlDeviceGetMigMode, handle)
    running = _ask(nvml.nvmlDeviceGetComputeRunningProcesses, handle) or ()
    return Gpu(
        uuid=uuid,
        index=index,
        name=_ask(nvml.nvmlDeviceGetName, handle) or f"GPU {index}",
        has_mig=bool(mig and mig[0] == nvml.NVML_DEVICE_MIG_ENABLE),
        memory_total_bytes=memory and int(memory.total),
        memory_used_bytes=None if memory is None else int(memory.used),
        utilization_percent=None if load is None else float(load.gpu),
        temperature_celsius=_ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
        power_watts=None if power is None else power / MILLIWATTS,
        power_limit_watts=None if limit is None else limit / MILLIWATTS,
        slowdowns=_slowdowns(handle),
        uncorrected_errors=_ask(
            nvml.nvmlDeviceGetTotalEccErrors,
            handle,
            nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
            nvml.NVML_VOLATILE_ECC,
        ),
        bus_id=bus and str(bus.busId),
        compute_capability=capability and f"{capability[0]}.{capability[1]}",
        processes=tuple((process.pid, process.usedGpuMemory) for process in running),
    )


def _slowdowns(handle: Any) -> tuple[str, ...]:
    bits = _ask(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
    if bits is None:  # drivers before 535
        bits = _ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
    return tuple(word for bit, word in SLOWDOWNS.items() if (bits or 0) & bit)


def _instances(handle: Any, gpu: Gpu) -> list[Gpu]:
    """Return the MIG instances of a GPU; its processes are those of its instances then."""
    found = []
    for number in range(_ask(nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        instance = _ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
        uuid = instance and _ask(nvml.nvmlDeviceGetUUID, instance)
        if uuid:
            part = _gpu(instance, gpu.index, uuid)
            found.append(replace(part, parent=gpu.uuid, has_mig=False))
    return found


def _problem(error: nvml.NVMLError) -> str | None:
    """Return a sentence for a driver that is there and broken, None where there is none."""
    if isinstance(error, nvml.NVMLError_LibraryNotFound | nvml.NVMLError_DriverNotLoaded):
        return None
    return f"The NVIDIA driver does not answer ({error}). nvidia-smi on this machine shows more."
