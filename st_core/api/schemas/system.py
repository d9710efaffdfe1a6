"""The server itself: version, status, plugins, settings, services."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from .kinds import Answer, Body, JsonObject, JsonValue, Query
from .submit import HardwareOption


class Version(Answer):
    """Versions of the server and, for those who are signed in, of its plugins."""

    version: str
    plugins: dict[str, str] | None = None


class StatusQuery(Query):
    """How much of it."""

    include_allocation: bool = Field(False, description="Also which job holds which device.")


class Inventory(Answer):
    """The GPUs of this machine together."""

    count: int
    memory_bytes: int


class Slot(Answer):
    """A place to run on this machine, and the job that holds it."""

    device: str
    job_id: str | None = None


class SystemStatus(Answer):
    """How this machine and the server are."""

    timestamp: datetime
    uptime_seconds: float
    load_avg_5min: float | None = None
    memory_percent: float
    memory_total_bytes: int
    cpu_count: int
    disk_total_bytes: int
    disk_free_bytes: int
    disk_percent: float
    state_dir: str | None = Field(description="Told to those who hold admin.config.")
    database: str
    jobs_active: int
    jobs_queued: int
    gpus: list[HardwareOption] = Field(description="By kind.")
    gpu_inventory: Inventory
    hardware: list[HardwareOption] = Field(description="Everything jobs can be given here.")
    gpu_allocation: list[Slot] | None = None


class Plugin(Answer):
    """An installed plugin."""

    name: str
    version: str
    distribution: str
    enabled: bool
    hooks: list[str]
    summary: str


class Plugins(Answer):
    """Every installed plugin."""

    plugins: list[Plugin]


class Setting(Answer):
    """A declared option and its value; the value of a secret is never shown."""

    key: str
    owner: str
    value: JsonValue = None
    is_set: bool
    fingerprint: str | None = Field(None, description="Of a secret that is set: tells two apart.")
    default: JsonValue = None
    source: str = Field(description="environment, file, stored or default.")
    unit: str = ""
    help: str
    secret: bool
    env: str | None = None
    editable: bool
    minimum: float | None = None
    maximum: float | None = None


class Settings(Answer):
    """Every declared option."""

    settings: list[Setting]


class SettingsBody(Body):
    """New values of editable settings by key; all are stored or none."""

    settings: JsonObject = Field(min_length=1)


class Service(Answer):
    """Work that goes on beside requests."""

    name: str
    every_seconds: float
    forever: bool
    exclusive: bool
    owner: str | None = Field(None, description="The process that holds its lease.")
    lease_expires_at: datetime | None = None


class Services(Answer):
    """Every service of this server."""

    services: list[Service]
    running: bool = Field(description="This process carries them.")
