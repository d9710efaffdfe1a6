"""Which devices a job gets, or the sentence that says why it must wait. Pure rules: no database, no
driver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .devices import CPU, Device, same_kind
from .inventory import kinds


@dataclass(frozen=True)
class Wish:
    """What a job asks for: `count` devices of one `kind` (None: any GPU kind). A CPU job wants one
    CPU slot.
    """

    kind: str | None
    count: int

    @classmethod
    def of(cls, hardware: str | None, gpu_count: int, any_gpu: bool = False) -> Wish:
        """Return the wish of a submission. `any_gpu` accepts another kind of GPU than the one
        named.
        """
        named = (hardware or "").lower().removeprefix("gpu-")
        if named == CPU or (not named and gpu_count == 0):
            return cls(CPU, 1)
        return cls(None if any_gpu or not named else named, max(1, gpu_count))


@dataclass(frozen=True)
class Shortage:
    """No devices for a job now: why, for whom else it holds (alike, hardware or provider, as in
    `Hold`), and how many that would do are free at most, all of one kind.
    """

    text: str
    scope: str
    free: int = 0


def allot(
    wish: Wish, devices: Sequence[Device], taken: Mapping[str, int], most_gpus: int | None = None
) -> list[Device] | Shortage:
    """Choose devices, all of one kind, or say what is short.

    `taken` maps devices in use to job ids. `most_gpus` limits the GPUs that all jobs together have.
    """
    fitting = _fitting(wish, devices)
    if wish.kind != CPU and most_gpus is not None:
        used = sum(device.is_gpu for device in devices if device.id in taken)
        if used + wish.count > most_gpus:
            return Shortage(
                f"{used} of {most_gpus} GPUs in use (queue.local_gpu_max_concurrent).",
                "alike",
                most_gpus - used,
            )
    most_free = 0
    for group in fitting.values():
        free = [device for device in group if device.id not in taken and not device.trouble]
        if len(free) >= wish.count:
            return free[: wish.count]
        most_free = max(most_free, len(free))
    scope = _scope(wish, devices, fitting, taken)
    return Shortage(_sentence(wish, fitting, taken), scope, most_free)


def _fitting(wish: Wish, devices: Sequence[Device]) -> dict[str, list[Device]]:
    """Return the devices that would do, by kind. CUDA sees one MIG instance per process, so two are
    no help.
    """
    return {
        kind: group
        for kind, group in kinds(devices).items()
        if (same_kind(wish.kind, kind) if wish.kind else kind != CPU)
        and not (wish.count > 1 and group[0].is_mig)
    }


def impossible(wish: Wish, devices: Sequence[Device]) -> str | None:
    """Say why this wish can never be met here, whatever is free; None when it can."""
    fitting = _fitting(wish, devices)
    has = ", ".join(f"{len(group)} {kind}" for kind, group in kinds(devices).items()) or "no device"
    if wish.kind == CPU and not fitting:
        return "This machine runs no jobs without a GPU (local_gpu.cpu_slots is 0)."
    if not fitting:
        return f"This machine has no {wish.kind or 'GPU'}; it has {has}."
    if wish.count > max(map(len, fitting.values())):
        return f"This machine has no {wish.count} {wish.kind or 'GPUs of one kind'}; it has {has}."
    return None


def _sentence(wish: Wish, fitting: Mapping[str, Sequence[Device]], taken: Mapping[str, int]) -> str:
    if why := impossible(wish, [device for group in fitting.values() for device in group]):
        return why
    group = [device for devices in fitting.values() for device in devices]
    used = [device for device in group if device.id in taken]
    barred = [device for device in group if device.id not in taken and device.trouble]
    what = "CPU slot" if wish.kind == CPU else wish.kind or "GPU"
    if wish.count > 1:
        what = f"group of {wish.count} {wish.kind or 'GPUs of one kind'}"
    counts = f"{len(used)} of {len(group)} in use"
    if barred:
        counts += f", {len(barred)} not given out: {barred[0].label} {barred[0].trouble}"
    return f"No free {what}: {counts}."


def _scope(
    wish: Wish,
    devices: Sequence[Device],
    fitting: Mapping[str, Sequence[Device]],
    taken: Mapping[str, int],
) -> str:
    """Say for whom else the shortage holds: nothing free at all holds for everyone here."""
    free = [device for device in devices if device.id not in taken and not device.trouble]
    if not free:
        return "provider"
    none_of_it = not any(device in free for group in fitting.values() for device in group)
    return "hardware" if none_of_it and wish.kind not in (None, CPU) else "alike"
