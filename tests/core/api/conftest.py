"""The JSON layer's tests run against the fakes: providers that finish, hang or fail at will."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app with the zoo."""
    return make_app(plugins=["zoo"])


@pytest.fixture
def submit(client: Any) -> Callable[..., dict[str, Any]]:
    """Submit a job that waits or runs for ever; returns the answer."""

    def send(provider: str = "never", **body: Any) -> dict[str, Any]:
        asked = {"trainer": "fake_trainer", "config": {"steps": 3}} | body
        answer = client.post(f"/api/cloud/{provider}/submit", json=asked)
        assert answer.status_code in (200, 201, 202), answer.get_data(as_text=True)
        return dict(answer.json)

    return send
