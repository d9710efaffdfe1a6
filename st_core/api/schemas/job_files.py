"""What a job wrote: log, curves, files, checkpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from .jobs import JobProgress
from .kinds import Answer, Query


class LogQuery(Query):
    """Which part of the log."""

    after: int = Field(0, ge=0, le=2**53, description="Byte offset: the `next` of before.")
    limit: int = Field(262_144, ge=16, le=4_194_304, description="Most bytes.")
    tail: int | None = Field(None, ge=16, le=4_194_304, description="Instead the last bytes.")


class LogStreamQuery(Query):
    """Where a followed log begins."""

    after: int = Field(0, ge=0, le=2**53, description="Byte offset.")
    follow: bool = Field(True, description="Stay until the job has ended.")


class Log(Answer):
    """A part of a job's log."""

    job_id: str
    logs: str
    start: int = Field(description="Byte offset at which `logs` begins.")
    next: int = Field(description="Byte offset to go on from.")
    size_bytes: int
    is_complete: bool = Field(description="The job has ended and this reaches the end.")


class InlineProgress(JobProgress):
    """One line about a running job."""

    job_id: str
    status: str
    last_log: str = Field(description="The log's last line, at most 80 characters.")
    progress: float | None = Field(None, description="0 to 100.")


class SeriesQuery(Query):
    """Which curves."""

    names: list[str] = Field([], max_length=100, description="Metrics by name; all when empty.")
    max_points: int = Field(2000, ge=4, le=10_000)
    format: Literal["json", "csv"] = "json"


class Point(Answer):
    """A metric at a step."""

    step: float
    value: float


class Series(Answer):
    """Curves of a job, thinned to at most `max_points` each."""

    job_id: str
    series: dict[str, list[Point]]


class Artifact(Answer):
    """A file of a job."""

    path: str
    kind: str
    size_bytes: int
    modified_at: datetime
    url: str


class CheckpointFolder(Answer):
    """A complete checkpoint: a folder or a file, downloadable as one archive."""

    path: str
    step: int
    size_bytes: int
    saved_at: datetime | None = None
    url: str


class Artifacts(Answer):
    """Everything a job left: files, and complete checkpoints."""

    job_id: str
    artifacts: list[Artifact]
    checkpoints: list[CheckpointFolder]
    total_bytes: int


class ArtifactQuery(Query):
    """How a file is handed over."""

    download: bool = Field(False, description="As an attachment, never shown in the browser.")
