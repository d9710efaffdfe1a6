"""What tests of budgets share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from .bank import Bank

SETTINGS = {"auth__mode": "team", "rate_limit__calls": 0}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with budgets, where nobody acts without an account."""
    return make_app(plugins=["budgets", "metrics", "audit", "zoo"], **SETTINGS)


@pytest.fixture
def bank(app: Flask) -> Bank:
    """Its organisation, team and people."""
    return Bank(app)
