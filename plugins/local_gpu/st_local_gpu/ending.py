"""The verdict on an attempt that has ended: what happened, in one sentence, and whether another
attempt is worth it.

The exit code alone decides nothing: the trainer names its own evidence of completion.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from st_core.progress.readings import Phase

TAIL_BYTES = 64 * 1024
#: What launchers say when a process below them was killed; their own exit code is then 1.
KILLED_BELOW = re.compile(r"exitcode\s*:\s*-9\b|Signal 9 \(SIGKILL\)|died with <Signals\.SIGKILL")
USAGE_ERROR = 2  # argparse and most command lines: the command itself is wrong


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, for people and for the queue."""

    phase: Phase
    message: str
    resumable: bool = False


def judge(
    record: Mapping[str, Any],
    launch: Mapping[str, Any],
    evidence: tuple[bool, str],
    tail: str,
    step: int | None,
) -> Ending:
    """Return the ending that `record` (exit.json) tells of.

    `evidence` is the trainer's own word on completion, `tail` the end of this attempt's log, `step`
    the last one seen.
    """
    if lost := record.get("lost"):
        return Ending(Phase.LOST, lost, resumable=True)
    if error := record.get("error"):
        return Ending(Phase.FAILED, f"{error}.")
    if record.get("fault"):
        return Ending(
            Phase.FAILED, "The shepherd process failed; shepherd.log says why.", resumable=True
        )
    if asked := _asked(record, launch, step):
        return asked
    completed, why = evidence
    if completed:
        return Ending(Phase.COMPLETED, why)
    return _failed(record, why, tail, step)


def _asked(record: Mapping[str, Any], launch: Mapping[str, Any], step: int | None) -> Ending | None:
    """Return the ending of an attempt that was asked to end."""
    match record["requested"]:
        case "cancel":
            return Ending(Phase.CANCELLED, f"Cancelled{_at(step)}.")
        case "time_limit":
            limit = duration(launch.get("time_limit_seconds") or 0)
            return Ending(Phase.FAILED, f"The time limit of {limit} was reached{_at(step)}.")
        case "terminated":
            text = f"The machine asked the training to end{_at(step)} (SIGTERM), as at a shutdown."
            return Ending(Phase.FAILED, text, resumable=True)
    return None


def _failed(record: Mapping[str, Any], why: str, tail: str, step: int | None) -> Ending:
    """Return the ending of an attempt that broke."""
    code, number = record["returncode"], record["signal"]
    if number == signal.SIGKILL or code == 128 + signal.SIGKILL or KILLED_BELOW.search(tail):
        return Ending(Phase.FAILED, _killed(record, step), resumable=True)
    if number is not None:
        text = f"The trainer was ended by {signal.Signals(number).name}{_at(step)}, not by us."
        return Ending(Phase.FAILED, text, resumable=True)
    return Ending(
        Phase.FAILED, why or f"The trainer exited with code {code}.", resumable=code != USAGE_ERROR
    )


def _killed(record: Mapping[str, Any], step: int | None) -> str:
    """Say that something killed the trainer; that it was for memory is certain only if the kernel
    counted it.
    """
    if record.get("kernel_oom_kills"):
        return (
            f"The kernel killed the trainer (signal 9){_at(step)}, the machine's memory was full."
        )
    peak = record.get("peak_rss_bytes")
    size = f"; its largest process held {peak / 2**30:.1f} GiB" if peak else ""
    return (
        f"The trainer was killed from outside (signal 9){_at(step)}, probably out of memory{size}."
    )


def _at(step: int | None) -> str:
    return f" at step {step:,}" if step else ""


def duration(seconds: float) -> str:
    """Return a length of time in words, two units at most: `2 h 30 min`."""
    whole = round(seconds)
    parts = [
        (whole // 86400, "d"),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "min"),
        (whole % 60, "s"),
    ]
    return " ".join(f"{n} {unit}" for n, unit in [p for p in parts if p[0]][:2]) or "0 s"


def tail_of(log: Path, offset: int) -> str:
    """Return the last 64 KiB of a log, nothing before `offset`, without colours."""
    try:
        with open(log, "rb") as file:
            end = file.seek(0, 2)
            file.seek(max(offset, end - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
