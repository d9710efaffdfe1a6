"""How a trainer is launched, what a provider is ordered, and what they leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any


class Capability(StrEnum):
    """What a provider can do beyond starting and stopping."""

    CHECKPOINT = "checkpoint"  # save a checkpoint on request
    RESUME = "resume"  # start an attempt from a checkpoint
    LOCAL_FILES = "local_files"  # the workspace is written in place on this machine
    COSTS = "costs"  # reports what a job cost


@dataclass(frozen=True)
class StopStep:
    """One step of stopping or checkpointing a trainer softly, carried out by whoever supervises it.

    First `write` (path relative to the workspace → text, written atomically; `{n}` becomes the
    number of requests so far) and `signal` (sent to the trainer's main process), then `wait_for`
    (glob below the workspace; wait until a *new* match appears, at most `seconds`); each may be
    left out, and with none of them the step waits `seconds`. With `only_if`, a glob below the
    workspace, the step is passed over while nothing matches it.
    """

    write: tuple[str, str] | None = None
    wait_for: str | None = None
    signal: str | None = None
    seconds: float = 60.0
    only_if: str | None = None


@dataclass(frozen=True)
class Launch:
    """How to run a trainer: pure data, nothing is started by making one.

    `argv[0]` is an absolute path. `env` is added to the allow-list environment. `files` maps paths
    relative to the workspace to text, written with mode 0600 before the start. `soft_stop` is
    walked on cancel and time limit before SIGTERM; `checkpoint` saves one on request. `gpus` is how
    many devices it wants.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0
    soft_stop: tuple[StopStep, ...] = ()
    checkpoint: tuple[StopStep, ...] = ()
    grace_seconds: float = 10.0


@dataclass(frozen=True)
class Order:
    """Everything a provider needs to start one attempt of one job, once.

    `key` is unique per attempt, for ever: starting the same key twice must start one run (`find`
    tells). `workspace` is the job's own folder on the server; all attempts of a job share it.
    """

    key: str
    job_id: int
    job_key: str
    attempt: int
    workspace: Path
    trainer: str
    config: Mapping[str, Any]
    launch: Launch
    provider_config: Mapping[str, Any] = field(default_factory=dict)
    hardware: str | None = None
    devices: tuple[str, ...] = ()
    resume_from: str | None = None
    time_limit_seconds: int | None = None


@dataclass(frozen=True)
class Hardware:
    """A kind of machine a provider offers. Price None means: costs nothing that we know of.

    `memory_bytes` is that of one GPU, None for hardware without one; `devices` are the ids of the
    single devices of this kind where the provider knows them.
    """

    id: str
    name: str
    count: int = 1
    cost_per_hour_usd: Decimal | None = None
    available: bool = True
    memory_bytes: int | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Artifact:
    """A file in a workspace: `kind` is checkpoint, sample, output, log or other; `path` is
    relative."""

    path: str
    kind: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True)
class KeyNeed:
    """A key of an outside service that jobs need.

    `service` and `name` say which credential it is, `variable` the environment variable an attempt
    gets it in. Without `is_required` a job runs without it, too. With `from_server` the server's
    own environment and secrets file may serve; without, only what people stored here.
    """

    service: str
    name: str
    variable: str
    title: str
    is_required: bool = True
    from_server: bool = True


@dataclass(frozen=True)
class KeyCheck:
    """What a provider said of a key; `valid` is None when it could not be asked."""

    valid: bool | None
    message: str
