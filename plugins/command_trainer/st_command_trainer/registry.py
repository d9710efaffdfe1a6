"""The trainers of the app that is being made, between its settings and its registries."""

from __future__ import annotations

from typing import Any

from . import declared
from .settings import SECTION
from .trainer import CommandTrainer

# `st_configure` reads the settings, `st_trainers` is asked right after it and without them.
_trainers: list[CommandTrainer] = []


def configure(settings: Any) -> None:
    """Make a trainer of each enabled profile. Raises ConfigError naming a wrong one."""
    profiles = declared.load(settings.value(f"{SECTION}.profiles"))
    _trainers[:] = [CommandTrainer(profile) for profile in profiles]


def trainers() -> list[CommandTrainer]:
    """Return the trainers of the profiles configured last."""
    return list(_trainers)
