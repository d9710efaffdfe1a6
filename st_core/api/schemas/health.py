"""How well the server is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from .kinds import Answer, Query


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Requests can be served."""

    status: Literal["ready"] = "ready"


class Simple(Answer):
    """The shortest answer."""

    status: Literal["healthy"] = "healthy"
    mode: str


class Component(Answer):
    """One part and how it is."""

    name: str
    status: Literal["healthy", "degraded", "unhealthy"]
    latency_ms: float | None = None
    message: str | None = None


class Health(Answer):
    """Every part and how it is; the worst decides."""

    status: Literal["healthy", "degraded", "unhealthy"]
    version: str
    uptime_seconds: float
    components: list[Component]
    timestamp: datetime


class HealthQuery(Query):
    """How deep to look; both names mean the same. Load balancers may add names of their own."""

    model_config = ConfigDict(extra="ignore")

    include_providers: bool = Field(True, description="Also ask the providers.")
    include_replicate: bool | None = Field(None, description="The old name of it.")
