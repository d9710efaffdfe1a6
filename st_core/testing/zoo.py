"""The fakes as a plugin, for tests that need a provider that misbehaves."""

from __future__ import annotations

from .. import hookimpl
from ..contracts import Provider, Trainer
from .fake_trainer import FakeTrainer
from .fakes import PROVIDERS


@hookimpl
def st_providers() -> list[Provider]:
    """Hand over one fake provider of each kind."""
    return list(PROVIDERS)


@hookimpl
def st_trainers() -> list[Trainer]:
    """Hand over the fake trainer."""
    return [FakeTrainer()]
