"""Jobs as they come out, and what may be asked of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from .explanations import Holding
from .kinds import Answer, Body, Dollars, JsonObject, JsonValue, Listing, Page, Query


class JobProgress(Answer):
    """How far the current attempt is, as far as its trainer tells."""

    step: int | None = None
    total: int | None = None
    percent: float | None = Field(None, description="0 to 100.")
    epoch: float | None = None
    eta_seconds: float | None = None
    stage: str | None = None
    loss: float | None = None
    metrics: dict[str, float] = {}
    updated_at: datetime | None = None


class Job(Answer):
    """One admitted training run."""

    job_id: str
    job_type: Literal["local", "cloud"]
    name: str
    provider: str
    trainer: str
    status: str
    config_name: str
    created_at: datetime
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cost_usd: Dollars | None = None
    estimated_cost_usd: Dollars | None = None
    hardware_type: str | None = None
    error_message: str | None = None
    output_url: str | None = None
    user_id: int | None = None
    username: str | None = None
    team_id: int | None = None
    org_id: int | None = None
    metadata: JsonObject = {}
    is_terminal: bool
    is_active: bool
    duration_seconds: float | None = None
    queue_position: int | None = Field(
        None, description="1 is next; null when it does not wait, and in lists."
    )
    priority: int
    attempt: int
    max_attempts: int
    time_limit_seconds: int | None = None
    requires_approval: bool = False
    cancel_requested_at: datetime | None = None
    hold_reason: str | None = Field(None, description="Why a queued job does not start.")
    progress: JobProgress = JobProgress()


class JobAnswer(Job):
    """One job: its fields at the top, and once more under `job` for clients that look there."""

    job: Job
    waits_for: list[Holding] = Field(
        [], description="The gates a waiting job stands before; `/api/queue/<job>/why` tells more."
    )


class JobList(Listing):
    """A page of jobs, newest first unless sorted otherwise."""

    jobs: list[Job]
    previous: str | None = Field(None, description="Cursor of the page before; null on the first.")


def _utc(value: object) -> object:
    """Read a day, or a time without a zone, as UTC."""
    if isinstance(value, str) and value and "T" not in value.upper() and " " not in value:
        return f"{value}T00:00:00Z"
    if isinstance(value, str) and value and value[-1:].upper() != "Z" and "+" not in value[10:]:
        return value if "-" in value[11:] else f"{value}Z"
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_utc)]


class JobQuery(Page):
    """Which jobs to list."""

    job_type: Literal["local", "cloud"] | None = None
    status: list[str] = Field([], description="Any of these; `blocked` means pending_approval.")
    provider: str | None = Field(None, max_length=100)
    trainer: str | None = Field(None, max_length=100)
    user: int | None = Field(None, ge=1, le=2**31 - 1, description="Id of the submitter.")
    config: str | None = Field(None, max_length=200, description="Name of the config.")
    q: str | None = Field(None, max_length=200, description="Words in number, name, person.")
    since: Moment | None = Field(None, description="Submitted at or after this time (UTC).")
    until: Moment | None = Field(None, description="Submitted before this time (UTC).")
    sort: str = Field(
        "-created_at",
        pattern=r"^-?(created_at|name|status|completed_at)$",
        description="created_at, name, status or completed_at; with - in front descending.",
    )
    sync_active: bool = Field(False, description="First ask providers how active jobs stand.")


class CancelManyBody(Body):
    """Which jobs to cancel: these, or all active ones the caller may cancel."""

    job_ids: list[str] = Field([], max_length=500)
    all: bool = False
    status: list[str] = Field([], description="With `all`: only jobs in one of these states.")


class Cancelled(Answer):
    """It is cancelled, or asked to save and stop."""

    success: bool = True
    job_id: str
    status: str
    message: str


class CancelResult(Answer):
    """What became of one of several."""

    job_id: str
    success: bool
    error: str | None = None


class CancelledMany(Answer):
    """What became of each."""

    success: bool
    cancelled: int
    results: list[CancelResult]


class RetryBody(Body):
    """How to run an ended job again: from its last good checkpoint unless `fresh`."""

    fresh: bool = Field(False, description="Start from the beginning.")
    checkpoint: str | None = Field(None, max_length=500, description="Resume from this one.")


class AmendBody(Body):
    """What to change of a waiting job; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=200)
    config: JsonObject | None = Field(None, description="Takes the whole config's place.")
    hardware_profile: str | None = Field(None, min_length=1, max_length=100)
    gpu_count: int | None = Field(None, ge=0, le=64)
    time_limit_seconds: int | None = Field(None, ge=1, le=10_000_000)


class Attempt(Answer):
    """One start of a job."""

    number: int
    outcome: str | None = Field(None, description="Null while it goes on.")
    message: str | None = None
    resume_from: str | None = None
    devices: list[str] = []
    exit_code: int | None = None
    signal: int | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: JobProgress = JobProgress()


class Attempts(Answer):
    """Every start of a job, oldest first."""

    job_id: str
    attempts: list[Attempt]


class Gate(Answer):
    """What one gate of the pipeline said."""

    name: str
    result: str = Field(description="pass, warn, ask, no or todo (not reached).")
    verdict: str = ""
    text: str = ""


class Gates(Answer):
    """The gates a job passed when it was admitted."""

    job_id: str
    gates: list[Gate]


class DiffQuery(Query):
    """What to compare with."""

    against: str | None = Field(
        None, max_length=20, description="A job's id; not given: the previous run of the config."
    )


class Change(Answer):
    """One key that differs; null where it is missing."""

    path: str
    before: JsonValue = None
    after: JsonValue = None
    kind: Literal["added", "removed", "changed"]


class ConfigDiff(Answer):
    """How a job's config snapshot differs from another job's."""

    job_id: str
    against: str | None = None
    changes: list[Change]


class ConfigSnapshot(Answer):
    """The config that was admitted."""

    job_id: str
    config_name: str
    config: JsonObject


class Synced(Answer):
    """How many active jobs will be asked for news at once."""

    synced: int
    message: str
