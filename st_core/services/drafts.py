"""What goes into the pipeline and what comes out of it: the draft and the admission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contracts import Verdict
from ..models import Job
from .gates import GateResult


@dataclass(frozen=True)
class Draft:
    """What somebody asks for. Either `config` (the parameters themselves) or `config_to_load` (a
    name)."""

    provider: str = "local_gpu"
    config: Mapping[str, Any] | None = None
    config_to_load: str | None = None
    config_name: str | None = None
    trainer: str | None = None
    team_id: int | None = None
    hardware: str | None = None
    gpu_count: int | None = None
    name: str | None = None
    idempotency_key: str | None = None
    start_from_job: str | None = None
    start_from_checkpoint: str | None = None
    priority: int | None = None
    time_limit_seconds: int | None = None
    max_attempts: int | None = None
    for_approval: bool = False
    no_wait: bool = False
    any_gpu: bool = False
    bypass_queue: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Admission:
    """What came of a submission: the job, its place in the queue (0 when it does not wait there),
    whether an earlier one was found by its idempotency key, warnings."""

    job: Job
    position: int
    idempotent_hit: bool = False
    verdicts: tuple[Verdict, ...] = ()
    results: tuple[GateResult, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """Return the sentences of limits that were reached but let the job pass."""
        return [verdict.text for verdict in self.verdicts]

    @property
    def cost_warning(self) -> str | None:
        """Return the first sentence of a cost limit that let the job pass, if there is one."""
        found = (v.text for v in self.verdicts if v.code == "cost_limit_exceeded")
        return next(found, None)
