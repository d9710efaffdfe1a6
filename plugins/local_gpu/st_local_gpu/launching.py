"""Start an attempt exactly once, and say afterwards whether it was started.

What a crash of the server leaves, step by step, and what `find` makes of it:

| dies | left behind | `find` | |---|---|---| | before the lock | perhaps an empty folder | void
mark, None: a late starter finds the mark and stops | | with the lock, before the shepherd |
launch.json, lock free | void mark, None | | shepherd there, environment not handed over | it reads
half a line and ends, lock free | void mark, None | | environment handed over | the shepherd holds
the lock | the state: adopted |
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from st_core.contracts import Order
from st_core.errors import ProviderError
from st_core.failpoints import failpoint

from .runs import Run
from .shepherd import records

SHEPHERD = Path(__file__).parent / "shepherd"
FIND_SECONDS = 5.0
OOM_SCORE_ADJ = 500  # when memory ends, the trainer goes before the server

#: Shepherds that this process started: someone has to take their exit status, or they stay zombies.
_children: set[int] = set()


def start(
    order: Order, environment: Mapping[str, str], prefix: tuple[str, ...], nice: int
) -> dict[str, Any]:
    """Start the attempt, or join the run that its key already names; return the run's state.

    Raises ProviderError when nothing was started and nothing will be: void attempt, no workspace,
    no process.
    """
    failpoint("local_gpu.before_claim")
    run = Run(order.workspace, order.key)
    run.make()
    lock = run.lock()
    if lock is None:  # it runs, or somebody is starting it just now
        return run.state
    try:
        if run.has_begun:
            return run.state
        if run.is_void:
            raise ProviderError(
                f"attempt {order.key} was given up before it started; it needs a new attempt"
            )
        write_files(order)
        records.write(run.folder / records.LAUNCH, describe(order, environment, prefix, nice))
        failpoint("local_gpu.after_claim")
        _spawn(run, lock, environment)
    finally:
        os.close(lock)
    failpoint("local_gpu.before_return")
    return run.state


def find(key: str, workspace: Path) -> dict[str, Any] | None:
    """Return the state of the attempt `key` if it was started, or is being; else make sure that it
    never is.
    """
    if not workspace.is_dir():
        return None
    run = Run(workspace, key)
    run.make()
    until = time.monotonic() + FIND_SECONDS
    while time.monotonic() < until:
        lock = run.lock(seconds=0.05)
        if lock is not None:
            return _decide(run, lock)
        if run.has_begun:
            return run.state
    return run.state  # held by somebody who has not got far; poll will tell


def _decide(run: Run, lock: int) -> dict[str, Any] | None:
    """Return the state of a run that nobody holds, or give it up for ever; lets go of the lock."""
    try:
        if run.has_begun:
            return run.state
        run.make_void()
        return None
    finally:
        os.close(lock)


def write_files(order: Order) -> None:
    """Write the files that the launch brings, readable by their owner only.

    Raises ProviderError for a path outside the workspace.
    """
    root = order.workspace.resolve()
    for name, text in order.launch.files.items():
        target = (root / name).resolve()
        if not target.is_relative_to(root):
            raise ProviderError(
                f"the trainer wants to write {name!r}, which is outside the workspace"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        records.place(target, text)


def describe(
    order: Order, environment: Mapping[str, str], prefix: tuple[str, ...], nice: int
) -> dict[str, Any]:
    """Return launch.json: all that the shepherd and a later server must know, but no value of a
    variable.
    """
    return {
        "version": 1,
        "key": order.key,
        "job_id": order.job_id,
        "attempt": order.attempt,
        "trainer": order.trainer,
        "config": dict(order.config),
        "argv": [*fill(prefix, order), *order.launch.argv],
        "environment": sorted(environment),
        "workspace": str(order.workspace),
        "devices": list(order.devices),
        "soft_stop": [asdict(step) for step in order.launch.soft_stop],
        "checkpoint": [asdict(step) for step in order.launch.checkpoint],
        "grace_seconds": order.launch.grace_seconds,
        "time_limit_seconds": order.time_limit_seconds,
        "nice": nice,
        "oom_score_adj": OOM_SCORE_ADJ,
        "written_at": time.time(),
    }


def fill(prefix: tuple[str, ...], order: Order) -> list[str]:
    """Return the launch prefix with the job's own values put in."""
    gpus = [device for device in order.devices if not device.startswith("cpu-")]
    values = {
        "{job_id}": str(order.job_id),
        "{workspace}": str(order.workspace),
        "{devices}": ",".join(gpus),
    }
    filled = []
    for word in prefix:
        for name, value in values.items():
            word = word.replace(name, value)
        filled.append(word)
    return filled


def _spawn(run: Run, lock: int, environment: Mapping[str, str]) -> None:
    """Start the shepherd with the lock's descriptor and tell it the environment over its standard
    input.

    Not through its own environment or a file: secrets are in it, and both can be read by others
    later.
    """
    with open(run.folder / "shepherd.log", "ab", opener=_private) as said:
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SHEPHERD), str(run.folder), str(lock)],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                cwd=run.folder,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                pass_fds=[lock],
            )
        except OSError as error:
            raise ProviderError(f"the shepherd process could not be started: {error}") from error
    reap()
    _children.add(child.pid)
    child.returncode = 0  # `reap` waits for it by its pid; it may well outlive this process
    failpoint("local_gpu.after_spawn")
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(json.dumps(dict(environment)).encode() + b"\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def reap() -> None:
    """Take the exit status of shepherds that ended."""
    for pid in list(_children):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                continue
        _children.discard(pid)
