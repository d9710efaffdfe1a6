"""What tests of approvals share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from .office import Office


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with approvals, where nobody acts without an account."""
    return make_app(plugins=["approvals", "audit", "zoo"], auth__mode="team", rate_limit__calls=0)


@pytest.fixture
def office(app: Flask) -> Office:
    """Its people."""
    return Office(app)
