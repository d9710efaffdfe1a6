"""Trainers by name (see `registries`)."""

from .registries import trainer as get
from .registries import trainers as all_

__all__ = ["all_", "get"]
