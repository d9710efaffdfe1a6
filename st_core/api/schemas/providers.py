"""Providers: where jobs run, and the part of their configuration that is in force."""

from __future__ import annotations

from pydantic import Field, RootModel

from .kinds import Answer, JsonObject, JsonValue
from .submit import HardwareOption


class Provider(Answer):
    """A place where jobs run."""

    id: str
    name: str
    title: str
    enabled: bool = True
    capabilities: list[str]
    poll_seconds: float
    hardware: list[HardwareOption]


class Providers(Answer):
    """Every provider that is enabled."""

    providers: list[Provider]


class ProviderConfig(Answer):
    """A provider's own settings by their short names; secrets are never among them."""

    provider: str
    config: dict[str, JsonValue]
    editable: list[str] = Field([], description="Names that may be changed while running.")


class ProviderConfigBody(RootModel[JsonObject]):
    """Values of editable settings by their short names."""
