"""Submitting: the body in all its spellings, and what is answered."""

from __future__ import annotations

from typing import Any

from pydantic import Field, RootModel, model_validator

from .jobs import Gate
from .kinds import Answer, Body, Dollars, FieldProblem, JsonObject, Query, Whole

_NAMES_A_CONFIG = ("config", "config_name", "config_name_to_load")


class SubmitBody(Body):
    """A job to admit: a stored config by name, a config in place, or nothing but the config itself.

    With none of `config`, `config_name` and `config_name_to_load` the whole body is the config (the
    Airflow function of the guide's section 4 posts it so).
    """

    config: JsonObject | None = None
    config_name: str | None = Field(None, max_length=200)
    config_name_to_load: str | None = Field(None, max_length=200)
    dataloader_config: list[JsonObject] | None = None
    trainer: str | None = Field(None, max_length=100)
    provider: str | None = Field(None, max_length=100)
    team_id: Whole | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="Which of your teams it is for.",
    )
    name: str | None = Field(None, max_length=200)
    hardware_profile: str | None = Field(None, max_length=100)
    gpu_count: int | None = Field(None, ge=0, le=64)
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)
    start_from_job_id: str | None = Field(None, max_length=20)
    start_from_checkpoint: str | None = Field(None, max_length=500)
    priority: int | None = Field(None, ge=0, le=50)
    time_limit_seconds: int | None = Field(None, ge=1, le=10_000_000)
    max_attempts: int | None = Field(None, ge=1, le=10)
    no_wait: bool = False
    any_gpu: bool = False
    for_approval: bool = False
    snapshot_name: str | None = Field(None, max_length=200)
    snapshot_message: str | None = Field(None, max_length=500)
    tracker_run_name: str | None = Field(None, max_length=200)
    webhook_url: str | None = Field(None, max_length=2000, description="Ignored; see /api/events.")
    upload_id: str | None = Field(None, max_length=200, description="Ignored: nothing is uploaded.")

    @model_validator(mode="before")
    @classmethod
    def _bare_config(cls, given: Any) -> Any:
        if isinstance(given, dict) and not any(name in given for name in _NAMES_A_CONFIG):
            return {"config": given}
        return given


class SubmitQuery(Query):
    """Where it shall run, and whether it is only a question."""

    provider: str | None = Field(None, max_length=100)
    trainer: str | None = Field(None, max_length=100)
    dry_run: bool = Field(False, description="Walk the same gates, write nothing.")


class Submitted(Answer):
    """What became of a submission, or in a dry run would.

    `status` is queued or pending_approval; of a dry run would_queue, would_ask or would_refuse.
    """

    success: bool
    job_id: str | None = None
    status: str
    error: str | None = None
    data_uploaded: bool = False
    upload_id: str | None = None
    cost_limit_warning: str | None = None
    quota_warnings: list[str] = []
    warnings: list[str] = Field([], description="Parts of the request that had no effect, and why.")
    idempotent_hit: bool = False
    queue_position: int | None = None
    requires_approval: bool = False
    approval_request_id: int | None = Field(None, description="Of `pending_approval`: what waits.")
    dry_run: bool = False
    valid: bool = Field(True, description="It was, or would be, admitted.")
    gates: list[Gate] = []
    errors: list[FieldProblem] = Field([], description="What is wrong with the config, by field.")


class CostBody(RootModel[list[JsonObject] | JsonObject]):
    """The datasets of the config, as old clients send them."""


class PreSubmitQuery(Query):
    """Which config is about to be submitted."""

    config_name: str | None = Field(None, max_length=200)


class PreSubmitCheck(Answer):
    """Whether the configs folder is a git repository with uncommitted changes."""

    git_available: bool = False
    repo_present: bool = False
    is_dirty: bool = False
    dirty_count: int = 0
    dirty_paths: list[str] = []
    current_commit: str | None = None
    current_abbrev: str | None = None
    current_branch: str | None = None
    tracker_run_name: str | None = None
    config_name: str | None = None


class AvailableConfig(Answer):
    """A stored config in short."""

    name: str
    trainer: str
    description: str
    revision: int


class AvailableConfigs(Answer):
    """The stored configs."""

    configs: list[AvailableConfig]
    active_config: str | None = None


class CostQuery(Query):
    """Where and on what."""

    provider: str | None = Field(None, max_length=100)
    hardware: str | None = Field(None, max_length=100)


class CostEstimate(Answer):
    """What a run will probably cost: the mean duration of completed jobs times the hardware's
    price.
    """

    has_estimate: bool = False
    estimated_cost_usd: Dollars | None = None
    avg_duration_seconds: float | None = None
    hardware_cost_per_hour: Dollars | None = None
    data_size_mb: float = 0.0
    message: str | None = None


class HardwareOption(Answer):
    """A kind of machine one can ask for; prices are null where none is known."""

    id: str
    name: str
    provider: str
    count: int = 1
    cost_per_second: float | None = None
    cost_per_hour: float | None = None
    available: bool = True
    memory_bytes: int | None = None
    devices: list[str] = []


class HardwareOptions(Answer):
    """The machines there are."""

    hardware: list[HardwareOption]
    default_hardware: str | None = None
    message: str | None = None
