"""Which keys jobs need: what providers and trainers declare, and asking a service about a value."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..contracts import KeyCheck, Keyed, KeyedTrainer, KeyNeed
from ..errors import Malformed, StError
from . import registries

log = logging.getLogger(__name__)


def of(provider: str, trainer: str, config: Mapping[str, Any]) -> list[KeyNeed]:
    """Return the keys that a job of this provider, trainer and config needs or may use."""
    where, what = registries.providers().get(provider), registries.trainers().get(trainer)
    needs: list[KeyNeed] = list(where.key_needs) if isinstance(where, Keyed) else []
    if isinstance(what, KeyedTrainer):
        needs += what.keys_for(config)
    return needs


def declared() -> list[KeyNeed]:
    """Return every key that some provider needs."""
    found = registries.providers().values()
    return [need for each in found if isinstance(each, Keyed) for need in each.key_needs]


def is_provable(service: str, name: str) -> bool:
    """Tell whether some provider uses this key, so that its use can prove a value."""
    return any((need.service, need.name) == (service, name) for need in declared())


def check(service: str, name: str, value: str) -> KeyCheck:
    """Ask the service about a value; `valid` is None when nobody can be asked or none answers."""
    for provider in registries.providers().values():
        if isinstance(provider, Keyed) and any(
            (need.service, need.name) == (service, name) for need in provider.key_needs
        ):
            try:
                return provider.check_key(name, value)
            except (StError, OSError) as error:
                log.warning("provider %s could not check a key: %s", service, type(error).__name__)
                return KeyCheck(None, f"{service} could not be asked; its first use will tell.")
    return KeyCheck(None, "No provider here can check it; its first use will tell.")


def prove(service: str, name: str, value: str) -> bool:
    """Tell whether a value may take an old one's place at once: its service accepts it, or nobody
    here could ever tell. Raises Malformed when the service refuses it."""
    verdict = check(service, name, value)
    if verdict.valid is False:
        raise Malformed(
            f"{service} refused this value: {verdict.message}",
            code="key_refused",
            fields=[{"path": "value", "message": "the service refused it; nothing was changed"}],
        )
    return verdict.valid is True or not is_provable(service, name)
