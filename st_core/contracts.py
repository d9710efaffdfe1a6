"""What crosses the border between the core and plugins: frozen dataclasses and Protocols.

Three kinds of things stand here: *registrations* (data a plugin hands over at start-up), *answers*
to the
pipeline's questions, and *Protocols*: objects of which exactly one must answer again and again
(a Provider says where a job runs, a Trainer says what runs).

Times are seconds or UTC datetimes, money is `Decimal` USD in fields that end in `_usd`, sizes are
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from .models.states import JobState
from .progress.readings import Progress, Source

__all__ = [
    "Action",
    "Artifact",
    "Capability",
    "Checkpoint",
    "Demand",
    "Denial",
    "Estimate",
    "EventType",
    "Hardware",
    "HealthCheck",
    "HealthResult",
    "Hold",
    "JobState",
    "Launch",
    "Metric",
    "NavItem",
    "Order",
    "Permission",
    "Problem",
    "Progress",
    "Provider",
    "Section",
    "Service",
    "Setting",
    "Severity",
    "Source",
    "StopStep",
    "Submission",
    "TaskRunner",
    "Trainer",
    "Verdict",
    "Viewer",
]


# ── who is calling ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Viewer:
    """Whoever looks or acts, with what they may. Frozen: services and pages never hold the ORM
    user.

    `permissions` already is the intersection of the person's own and the token's scopes.
    `via` is one of session, api_key, local, network, service, cli.
    """

    user_id: int
    username: str
    display_name: str
    permissions: frozenset[str]
    levels: tuple[str, ...] = ()
    priority: int = 0
    org_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()
    via: str = "session"
    address: str | None = None

    def may(self, permission: str) -> bool:
        """Tell whether the viewer holds `permission`; `*` holds every one."""
        return "*" in self.permissions or permission in self.permissions


# ── registrations ─────────────────────────────────────────────────────────────────────────────────


class Severity(StrEnum):
    """How much an event matters, in rising order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Setting:
    """One declared option. `key` is dotted and starts with the owner's section
    (`local_gpu.cpu_slots`).

    `type` is a Python type (bool, int, float, str, Decimal, list, dict, Path) or any type pydantic
    can
    validate. `default` is a value of it. `env` names an environment variable that wins over the
    file.
    `editable` settings can be changed in the UI while running; others only by file or environment.
    """

    key: str
    type: Any
    default: Any
    help: str
    unit: str = ""
    secret: bool = False
    env: str | None = None
    editable: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Permission:
    """A right with a name (`job.submit`), the levels that hold it by default, and what it lets one
    do."""

    name: str
    label: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class EventType:
    """A kind of event. `permission` None means: who may see the subject may see the event;
    otherwise only holders of that permission see it. `audit_name` is its name in the audit log."""

    name: str
    summary: str
    category: str = "job"
    severity: Severity = Severity.INFO
    permission: str | None = None
    audit_name: str | None = None


@dataclass(frozen=True)
class Service:
    """Work that goes on beside requests: `run()` every `every_seconds`, sooner when woken by
    `name`.

    With `forever=True`, `run(stop)` is called once and returns when the `threading.Event` it got
    is set.
    `exclusive` services run in one process at a time (a lease decides which); others in every
    process.
    """

    name: str
    run: Callable[..., Any]
    every_seconds: float = 60.0
    forever: bool = False
    exclusive: bool = True


@dataclass(frozen=True)
class HealthResult:
    """`status` is healthy, degraded or unhealthy; `message` says what to do when it is not
    healthy."""

    status: str
    message: str = ""


@dataclass(frozen=True)
class HealthCheck:
    """A check behind `GET /api/cloud/health`. A critical one that fails makes the server not
    ready."""

    name: str
    run: Callable[[], HealthResult]
    critical: bool = False
    timeout_seconds: float = 5.0


@dataclass(frozen=True)
class Metric:
    """One Prometheus family, computed when scraped. `kind` is counter or gauge; samples are
    `(labels, value)` pairs with the same label names throughout."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


@dataclass(frozen=True)
class NavItem:
    """A link in the sidebar. `group` is cloud, work or admin; it shows to holders of
    `permission`."""

    label: str
    url: str
    icon: str = "plug"
    group: str = "work"
    order: int = 100
    permission: str | None = None


@dataclass(frozen=True)
class Section:
    """A panel on a core page. `column` is main or side; `template` is rendered with exactly
    `context`."""

    template: str
    context: Mapping[str, Any]
    title: str
    column: str = "side"
    order: int = 100


# ── a submission and the pipeline's answers ───────────────────────────────────────────────────────


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
    """What is asked, complete and checked for form, before it is admitted. Frozen; `with_` makes a
    changed copy."""

    viewer: Viewer
    provider: str
    trainer: str
    config: Mapping[str, Any]
    config_name: str
    revision_id: int | None = None
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
    """A limit's answer. `used` and `ceiling` are in `unit`; `text` is the sentence people read."""

    limit: str
    action: Action
    used: float
    ceiling: float
    unit: str
    text: str

    @property
    def blocks(self) -> bool:
        """Tell whether this verdict refuses the submission."""
        return self.action is Action.BLOCK


@dataclass(frozen=True)
class Demand:
    """A need for a person's approval: why, from which level, until when."""

    reason: str
    approver_level: str = "lead"
    rule_id: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Hold:
    """A reason to let a queued job wait. `scope` says for whom it holds as well:
    job, hardware (same provider and hardware) or provider (all its jobs)."""

    reason: str
    retry_after_seconds: float = 5.0
    scope: str = "job"


# ── running ───────────────────────────────────────────────────────────────────────────────────────


class Capability(StrEnum):
    """What a provider can do beyond starting and stopping."""

    CHECKPOINT = "checkpoint"  # save a checkpoint on request
    RESUME = "resume"  # start an attempt from a checkpoint
    LOCAL_FILES = "local_files"  # the workspace is written in place on this machine
    COSTS = "costs"  # reports what a job cost


@dataclass(frozen=True)
class StopStep:
    """One step of stopping or checkpointing a trainer softly, carried out by whoever supervises it.

    Exactly one of: `write` (path relative to the workspace → text, written atomically; `{n}`
    becomes the
    number of requests so far), `wait_for` (glob below the workspace; wait until a *new* match
    appears,
    at most `seconds`), `signal` (sent to the trainer's main process), or neither: wait `seconds`.
    With
    `only_if`, a glob below the workspace, the step is passed over while nothing matches it.
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
    relative
    to the workspace to text, written with mode 0600 before the start. `soft_stop` is walked on
    cancel and
    time limit before SIGTERM; `checkpoint` saves one on request. `gpus` is how many devices it
    wants.
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
    tells).
    `workspace` is the job's own folder on the server; all attempts of a job share it.
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
    single
    devices of this kind where the provider knows them.
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


@runtime_checkable
class Provider(Protocol):
    """Where a job runs. Every method is called outside a unit of work and ends within
    `timeout_seconds`.

    The dict that `start` returns is opaque to the core, survives a JSON round trip and is handed to
    every later call; all a provider must remember goes into it.
    """

    name: str
    title: str
    capabilities: frozenset[Capability]
    poll_seconds: float
    timeout_seconds: float

    def hardware(self) -> Sequence[Hardware]:
        """Return what can be asked for; quick, from memory."""

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Return what makes this submission impossible here; empty when nothing does."""

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return the expected cost, or None when this provider has no price."""

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Start the attempt and return its state. `env` holds secrets: never store or log it.

        Raises ProviderError when nothing was started; any other exception leaves it to `find`.
        """

    def poll(self, state: dict[str, Any]) -> Progress:
        """Return how far the attempt is; once its phase is final it stays so."""

    def stop(self, state: dict[str, Any]) -> None:
        """Ask the attempt to save and end; returns at once, `poll` reports the end. Idempotent."""

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Ask for a checkpoint now; only with Capability.CHECKPOINT."""

    def find(self, key: str, workspace: Path) -> dict[str, Any] | None:
        """Return the state of an attempt started under `key`, or None when there is and will be
        none."""


@runtime_checkable
class Trainer(Protocol):
    """What runs. Pure: it starts nothing, opens no connection, and reads only inside the
    workspace."""

    name: str
    title: str
    schema: type[BaseModel] | None

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the config with defaults filled in, and every problem at its field."""

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return how many steps this config trains, or None when only the run will tell."""

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return how to start this config in `workspace` from the beginning."""

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return how to go on from `checkpoint` (relative to the workspace, or absolute for
        another job's)."""

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return the files that tell progress and metrics, the most trusted first."""

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return the complete checkpoints, oldest first; partial ones are left out."""

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return the sample pictures, oldest first."""

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell from the trainer's own evidence whether it completed, and say in one sentence why
        not."""


class TaskRunner(Protocol):
    """Carries services: threads in this process, or workers elsewhere."""

    def wake(self, name: str) -> None:
        """Hint that the service `name` has work."""

    def close(self) -> None:
        """Stop everything and return when it has stopped."""


def flatten(answers: Iterable[Iterable[Any] | None]) -> list[Any]:
    """Join the lists that several plugins gave; a plugin that has nothing may answer None."""
    return [item for answer in answers for item in (answer or ())]
