"""Providers by name (see `registries`)."""

from .registries import provider as get
from .registries import providers as all_

__all__ = ["all_", "get"]
