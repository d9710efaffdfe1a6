"""What tests of quotas share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from .house import House

SETTINGS = {"auth__mode": "team", "rate_limit__calls": 0}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with quotas, where nobody acts without an account."""
    return make_app(plugins=["approvals", "quotas", "audit", "zoo"], **SETTINGS)


@pytest.fixture
def house(app: Flask) -> House:
    """Its organisation, team and people."""
    return House(app)
