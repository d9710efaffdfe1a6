"""The record of sign-ins that failed: one event and one log line each, with the reason and without
anything a token could be made of."""

from __future__ import annotations

import logging

from st_core.db import unit_of_work
from st_core.errors import StError
from st_core.services import events

log = logging.getLogger(__name__)


def note(error: StError, provider: str | None) -> None:
    """Command: record that a sign-in through `provider` (None: nobody knows) failed."""
    name = provider or "an unknown provider"
    log.warning("sign-in through %s failed: %s (%s)", name, error.detail, error.code)
    with unit_of_work():
        events.emit(
            "auth.login_failure",
            subject=("auth_provider", provider or ""),
            data={"method": "oidc", "provider": provider, "reason": error.code},
            message=f"sign-in through {name} failed: {error.detail}",
        )
