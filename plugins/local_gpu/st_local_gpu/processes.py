"""How a run stands: running, ended, or lost; and the clearing up after a shepherd that was killed.

A restarted server adopts a run by its lock (held: the shepherd lives) and its records. A run is
*lost* when the lock is free and there is no exit.json: the machine restarted (boot id), or somebody
killed the shepherd.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .runs import Run
from .shepherd import kin, records

CLEAR_SECONDS = 5.0


class Stage(StrEnum):
    """Where a run is."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class Standing:
    """Where a run is; `record` is exit.json once it has ended, with `lost` in it when nobody saw
    the end.
    """

    stage: Stage
    record: dict[str, Any]


def standing(run: Run) -> Standing:
    """Return where `run` is now; once it has ended, always the same."""
    if record := run.exit():
        return Standing(Stage.ENDED, record)
    return _held(run) if run.is_held() else _bury(run)


def _held(run: Run) -> Standing:
    return Standing(Stage.RUNNING if run.processes().get("trainer") else Stage.STARTING, {})


def _bury(run: Run) -> Standing:
    """Write down the end that nobody wrote, once nobody of this training is left."""
    lock = run.lock()
    if lock is None:  # another process of the server does it just now
        return _held(run)
    try:
        record = run.exit()
        if record is None:
            record = _lost(run)
            records.write(run.folder / records.EXIT, record)
        return Standing(Stage.ENDED, record)
    finally:
        os.close(lock)


def _lost(run: Run) -> dict[str, Any]:
    """Return an exit record for a run without a shepherd."""
    known = run.processes()
    survivors: list[int] = []
    if not known:
        reason = "It was never started: its shepherd ended before it could start the trainer."
    elif known["boot_id"] != records.boot_id():
        reason = "The machine restarted."
    else:
        reason = "Its shepherd process was killed; what was left of the training has been ended."
        survivors = clear(run.key, known.get("trainer"))
    return {
        "version": 1,
        "key": run.key,
        "lost": reason,
        "returncode": None,
        "signal": None,
        "requested": "none",
        "started_at": known.get("started_at"),
        "ended_at": time.time(),
        "survivors": survivors,
    }


def clear(key: str, trainer: list[int] | None) -> list[int]:
    """Kill everyone of an attempt whose shepherd is dead; return the pids that would not die in 5
    seconds.
    """
    until = time.monotonic() + CLEAR_SECONDS
    while left := _left(key, trainer):
        if time.monotonic() >= until:
            return sorted(process.pid for process in left)
        for process in left:
            kin.send(process, signal.SIGKILL)
        time.sleep(0.02)
    return []


def _left(key: str, trainer: list[int] | None) -> set[kin.Process]:
    """Return the living kin of an attempt: who has its mark, and the trainer with all below."""
    left = kin.marked(key)
    if trainer and kin.is_alive(main := kin.Process(*trainer)):
        left |= {main, *kin.below(main.pid)}
    return left


def members(run: Run) -> set[kin.Process]:
    """Return the living processes of a run that goes on, without the shepherd."""
    shepherd = run.processes().get("shepherd")
    if not shepherd or not kin.is_alive(kin.Process(*shepherd)):
        return set()
    return kin.below(shepherd[0])
