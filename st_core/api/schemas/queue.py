"""The queue: its entries, its numbers, its limits."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from .kinds import Answer, Body, Dollars, Listing, Query, Whole


class Entry(Answer):
    """A job's place in the queue."""

    id: int
    job_id: str
    user_id: int | None = None
    username: str | None = None
    provider: str
    config_name: str | None = None
    name: str
    hardware: str | None = None
    priority: int
    priority_name: str
    priority_override: int | None = None
    effective_priority: int
    status: str
    position: int = Field(description="1 starts next; 0 when it does not wait.")
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    estimated_cost: Dollars | None = None
    requires_approval: bool = False
    attempt: int = 1
    error_message: str | None = None
    hold_reason: str | None = None


class QueueQuery(Query):
    """Which entries."""

    status: list[str] = Field([], description="Any of these; `blocked` means pending_approval.")
    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0, le=1_000_000)
    include_completed: bool = False


class QueueList(Listing):
    """Entries in the order in which they will start."""

    entries: list[Entry]
    total_pending: int = 0
    total_running: int = 0
    paused: bool = False


class LocalStats(Answer):
    """The devices of this machine."""

    running_jobs: int = 0
    pending_jobs: int = 0
    allocated_gpus: list[str] = []
    available_gpus: list[str] = []
    total_gpus: int = 0
    max_concurrent_gpus: int | None = None
    max_concurrent_jobs: int = 1


class WorkerStats(Answer):
    """Other machines that run jobs."""

    total_workers: int = 0
    idle_workers: int = 0
    busy_workers: int = 0
    offline_workers: int = 0
    draining_workers: int = 0


class QueueStats(Answer):
    """The queue in numbers."""

    by_status: dict[str, int]
    by_user: dict[str, int] = Field(description="Active and waiting jobs per user id.")
    queue_depth: int
    running: int
    avg_wait_seconds: float | None = None
    max_concurrent: int
    user_max_concurrent: int
    team_max_concurrent: int
    enable_fair_share: bool = False
    local_gpu_max_concurrent: int | None = None
    local_job_max_concurrent: int = 1
    paused: bool = False
    local: LocalStats | None = None
    workers: WorkerStats | None = None


class UserQueue(Answer):
    """One person's part of the queue."""

    pending_count: int = 0
    running_count: int = 0
    blocked_count: int = 0
    best_position: int | None = None
    pending_jobs: list[Entry] = []
    running_jobs: list[Entry] = []


class Position(Answer):
    """Where a job stands."""

    job_id: str
    position: int
    status: str
    priority: int
    queued_at: datetime | None = None
    estimated_wait_seconds: float | None = None


class RejectQuery(Query):
    """Why."""

    reason: str | None = Field(None, max_length=500)


class ReasonBody(Body):
    """Why, in words the submitter reads."""

    reason: str | None = Field(None, max_length=500)


class PriorityBody(Body):
    """The new priority; null takes the level's own again."""

    priority: int | None = Field(None, ge=0, le=50)


class PriorityAnswer(Answer):
    """A priority before and after."""

    success: bool = True
    job_id: str
    previous_effective_priority: int
    new_effective_priority: int
    priority_override: int | None = None


class Concurrency(Answer):
    """The limits in force."""

    success: bool = True
    max_concurrent: int
    user_max_concurrent: int
    team_max_concurrent: int
    enable_fair_share: bool = False
    local_gpu_max_concurrent: int | None = None
    local_job_max_concurrent: int


class ConcurrencyBody(Body):
    """Limits to change; what is left out stays."""

    max_concurrent: int | None = Field(None, ge=1, le=100)
    user_max_concurrent: int | None = Field(None, ge=1, le=20)
    team_max_concurrent: int | None = Field(None, ge=1, le=50)
    enable_fair_share: bool | None = None
    local_gpu_max_concurrent: int | None = Field(None, ge=1, le=1024)
    local_job_max_concurrent: int | None = Field(None, ge=1, le=10)


class Paused(Answer):
    """Whether the queue starts new jobs."""

    success: bool = True
    paused: bool


class Processed(Answer):
    """What one look at the queue started."""

    success: bool = True
    dispatched: int
    job_ids: list[str]


class CleanupQuery(Query):
    """How old."""

    days: int = Field(30, ge=1, le=365)


class Cleaned(Answer):
    """How many ended jobs were deleted."""

    success: bool = True
    deleted: int


class LocalSubmitBody(Body):
    """A stored config to run on this machine."""

    config_name: str = Field(min_length=1, max_length=200)
    no_wait: bool = False
    any_gpu: bool = False
    for_approval: bool = False
    team_id: Whole | None = Field(None, ge=1, le=2**31 - 1)
    target: Literal["local", "worker", "kubeflow", "auto"] = "auto"
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)


class LocalSubmitted(Answer):
    """What became of it."""

    success: bool
    job_id: str | None = None
    status: str
    allocated_gpus: list[str] | None = None
    allocated_worker_id: str | None = None
    queue_position: int | None = None
    requires_approval: bool = False
    approval_request_id: int | None = None
    error: str | None = None
    reason: str | None = None
    idempotent_hit: bool = False


class PollingQuery(Query):
    """The wanted setting, as old clients send it."""

    enabled: bool | None = None


class PollingBody(Body):
    """The wanted setting."""

    enabled: bool | None = None


class Polling(Answer):
    """Whether providers are asked how their jobs stand; the configuration file decides."""

    enabled: bool
    is_active: bool
    preference: bool | None = None
    interval_seconds: float
    source: str
