"""What a running job uses of this machine, sampled every few seconds into
`run/<attempt>/usage.jsonl`.

The file is bounded: when it is full every second line goes, so the past becomes coarser and nothing
ends.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import psutil

from . import processes
from .gpus import FIGURES, Gpu
from .inventory import Sample
from .runs import Run
from .shepherd import kin, records

FILE = "usage.jsonl"
MOST_BYTES = 256 * 1024
REMEMBERED = 256
HISTORY = 40

#: attempt key → (moment, CPU seconds) of the sample before; a rate needs two.
_before: OrderedDict[str, tuple[float, float]] = OrderedDict()


def sample(run: Run, devices: Sequence[str], seen: Sample) -> dict[str, Any] | None:
    """Measure one run now and append it to its file; None when nobody of it is alive."""
    members = processes.members(run)
    if not members:
        return None
    line = {"at": round(time.time(), 1), **_processes(run, members), "gpus": _gpus(devices, seen)}
    append(run.folder / FILE, line)
    return line


def _processes(run: Run, members: Iterable[kin.Process]) -> dict[str, Any]:
    """Return memory and CPU of all processes of a run. 100 percent is one core."""
    private = shared = count = 0
    seconds = _reaped_seconds(run)
    for member in members:
        try:
            process = psutil.Process(member.pid)
            memory, times = process.memory_info(), process.cpu_times()
        except psutil.Error:
            continue
        count += 1
        private += memory.rss - memory.shared
        shared = max(shared, memory.shared)  # pages that workers share are there once
        seconds += times.user + times.system + times.children_user + times.children_system
    return {
        "processes": count,
        "memory_bytes": private + shared,
        "cpu_percent": _rate(run.key, seconds),
    }


def _reaped_seconds(run: Run) -> float:
    """Return the CPU time of orphans that the shepherd has taken in and seen end."""
    try:
        times = psutil.Process(run.processes()["shepherd"][0]).cpu_times()
    except (psutil.Error, KeyError):
        return 0.0
    return times.children_user + times.children_system


def _rate(key: str, seconds: float) -> float | None:
    now = time.monotonic()
    before = _before.pop(key, None)
    _before[key] = (now, seconds)
    while len(_before) > REMEMBERED:
        _before.popitem(last=False)
    if before is None or now <= before[0]:
        return None
    return round(max(0.0, seconds - before[1]) / (now - before[0]) * 100, 1)


def _gpus(devices: Sequence[str], seen: Sample) -> list[dict[str, Any]]:
    cards = {gpu.uuid: gpu for gpu in seen.reading.gpus}
    return [_gpu(cards[device]) for device in devices if device in cards]


def _gpu(gpu: Gpu) -> dict[str, Any]:
    return {"index": gpu.index, **gpu.figures}


def append(path: Path, line: dict[str, Any]) -> None:
    """Append one sample; thin the file first when it is full."""
    if path.exists() and path.stat().st_size > MOST_BYTES:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        records.place(path, "".join(lines[::2]))
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


def series(run: Run) -> list[dict[str, Any]]:
    """Return the samples of a run, oldest first."""
    try:
        lines = (run.folder / FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line for text in lines if (line := _parse(text))]


def lately(run: Run) -> dict[str, Any]:
    """Return the newest figures of a run by name, and as `history` their last values, oldest first.

    `gpu_percent` is the mean over its GPUs, memory their sum, temperature the highest. Figures that
    nobody told are left out.
    """
    lines = [_summed(line) for line in _tail(run.folder / FILE)[-HISTORY:]]
    if not lines:
        return {}
    known = {name: value for name, value in lines[-1].items() if value is not None}
    history = {name: [line[name] for line in lines if line.get(name) is not None] for name in known}
    return {**known, "memory_total_bytes": psutil.virtual_memory().total, "history": history}


def _summed(line: dict[str, Any]) -> dict[str, float | None]:
    """Return one sample with its GPUs taken together."""
    gpus = line["gpus"]
    told = {name: [gpu[name] for gpu in gpus if gpu[name] is not None] for name in FIGURES}
    percents, temperatures = told["utilization_percent"], told["temperature_celsius"]
    return {
        "cpu_percent": line["cpu_percent"],
        "memory_bytes": line["memory_bytes"],
        "gpu_percent": fmean(percents) if percents else None,
        "gpu_memory_bytes": sum(told["memory_used_bytes"]) or None,
        "gpu_memory_total_bytes": sum(told["memory_total_bytes"]) or None,
        "gpu_temperature_celsius": max(temperatures, default=None),
    }


def _tail(path: Path) -> list[dict[str, Any]]:
    """Return the samples in the last 16 KiB of a file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 16384))
            texts = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for text in texts if (line := _parse(text))]


def _parse(text: str) -> dict[str, Any]:
    """Read one line; a torn one is nothing."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) and "gpus" in line else {}
