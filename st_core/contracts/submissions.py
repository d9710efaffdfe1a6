"""What is asked of the pipeline, and the answers its questions get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from .viewers import Viewer


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a config, at its field: `path` is dotted, empty for the whole."""

    path: str
    message: str


@dataclass(frozen=True)
class Estimate:
    """What a job will probably cost. `usd` None means unknown; `basis` says where the figure is
    from."""

    usd: Decimal | None
    basis: str
    plus_minus_usd: Decimal | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A complete, loadable state of a training run. `path` is relative to the workspace."""

    path: str
    step: int
    size_bytes: int = 0
    saved_at: datetime | None = None


@dataclass(frozen=True)
class Submission:
    """What is asked, complete and checked for form, before it is admitted. Frozen; `with_` makes
    a changed copy."""

    viewer: Viewer
    provider: str
    trainer: str
    config: Mapping[str, Any]
    config_name: str
    revision_id: int | None = None
    org_id: int | None = None
    team_id: int | None = None
    hardware: str | None = None
    gpu_count: int = 0
    name: str | None = None
    idempotency_key: str | None = None
    start_from_job_id: int | None = None
    start_from_checkpoint: str | None = None
    priority_override: int | None = None
    time_limit_seconds: int | None = None
    max_attempts: int | None = None
    for_approval: bool = False
    no_wait: bool = False
    any_gpu: bool = False
    bypass_queue: bool = False
    #: The job that walks through the gates once more: a retry, or an edit.
    again_of: int | None = None
    estimate: Estimate = field(default_factory=lambda: Estimate(None, "no price known"))
    details: Mapping[str, Any] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Submission:
        """Return a copy with `changes`; the original stays as it was."""
        return replace(self, **changes)


class Action(StrEnum):
    """What a reached limit does (guide section 6)."""

    BLOCK = "block"
    WARN = "warn"
    NOTIFY = "notify"
    REQUIRE_APPROVAL = "require_approval"


@dataclass(frozen=True)
class Denial:
    """An access rule that forbids the submission: which rule, and why in one sentence."""

    rule: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """A limit's answer. `used` and `ceiling` are in `unit`; `text` is the sentence people read.

    `code` is that of a refusal; with `told` the plugin tells of it by an event of its own.
    """

    limit: str
    action: Action
    used: float
    ceiling: float
    unit: str
    text: str
    code: str = "quota_exceeded"
    told: bool = False

    @property
    def blocks(self) -> bool:
        """Tell whether this verdict refuses the submission."""
        return self.action is Action.BLOCK


@dataclass(frozen=True)
class Demand:
    """A need for people's approval: why, from which level, by how many, until when.

    `rule` names what asks for it, `rule_id` the approval rule's row if it is one.
    """

    reason: str
    approver_level: str = "lead"
    rule_id: int | None = None
    expires_at: datetime | None = None
    rule: str = ""
    quorum: int = 1


@dataclass(frozen=True)
class Remedy:
    """One change after which a hold would hold no more.

    `kind` is what must happen (end_job, raise_limit, resume_queue, approve, enable_provider,
    free_device, wait), `subject` to what (a job's number, a setting's key, a ceiling's name),
    `text` says it in a sentence, `value` is the least new value of what is raised.
    """

    kind: str
    subject: str
    text: str
    value: float | None = None


@dataclass(frozen=True)
class Hold:
    """A reason to let a queued job wait. `scope` says for whom it holds as well: job, alike (same
    provider, hardware and number of GPUs), hardware (same provider and hardware) or provider (all
    its jobs); of the queue's own limits person, team or everyone. Any one of `remedies` would end
    it. `free_devices` counts the wanted devices that are free, where there are too few of them.
    """

    reason: str
    retry_after_seconds: float = 5.0
    scope: str = "job"
    remedies: tuple[Remedy, ...] = ()
    free_devices: int | None = None
