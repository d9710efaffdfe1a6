"""What tests of resource rules share: a server with an administrator, and a way to set rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

URL = "/api/users/resource-rules"
GUIDE = (
    {"name": "team x", "resource_type": "config", "pattern": "team-x-*", "levels": ["researcher"]},
    {
        "name": "others",
        "resource_type": "config",
        "pattern": "*",
        "action": "deny",
        "levels": ["researcher"],
    },
    {"name": "t4", "resource_type": "hardware", "pattern": "gpu-t4*", "levels": ["researcher"]},
    {"name": "v100", "resource_type": "hardware", "pattern": "gpu-v100*", "levels": ["researcher"]},
    {"name": "any hardware", "resource_type": "hardware", "pattern": "*", "levels": ["lead"]},
)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with resource rules, and providers to run on."""
    return make_app(plugins=["resource_rules", "audit", "zoo"])


@pytest.fixture
def admin(as_user: Callable[..., Any]) -> Any:
    """A client that acts as an administrator."""
    return as_user("admin")


@pytest.fixture
def put(admin: Any) -> Callable[..., list[int]]:
    """Make rules; return their numbers."""

    def make(*rules: dict[str, Any]) -> list[int]:
        made = [admin.post(URL, json=rule) for rule in rules]
        assert [answer.status_code for answer in made] == [201] * len(rules), made[-1].text
        return [answer.json["id"] for answer in made]

    return make
