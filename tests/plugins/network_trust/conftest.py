"""Servers that trust a network, as the guide's section 1 configures them, and callers anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.testing import people

#: The guide's section 1, word for word.
GUIDE_FILE = """
network:
  # Trust headers from your load balancer (e.g., AWS ALB, Nginx)
  trust_proxy_headers: true
  trusted_proxies:
    - "10.0.0.0/8"
    - "192.168.0.0/16"

  # Optional: Trust specific internal subnets to bypass login
  bypass_auth_for_internal: true
  internal_networks:
    - "10.10.0.0/16"  # VPN Clients

auth:
  # Always allow health checks without auth
  bypass_paths:
    - "/health"
    - "/api/cloud/health"
    - "/api/cloud/metrics/prometheus"
"""
GUIDE: dict[str, Any] = {
    "network__trust_proxy_headers": True,
    "network__trusted_proxies": ["10.0.0.0/8", "192.168.0.0/16"],
    "network__bypass_auth_for_internal": True,
    "network__internal_networks": ["10.10.0.0/16"],
}
INSIDE, OUTSIDE = "10.10.1.2", "203.0.113.9"
Call = Callable[..., Any]


@pytest.fixture
def make_trusting(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Make a server with the guide's network, changed by `settings`, and an administrator."""

    def make(**settings: Any) -> Flask:
        app = make_app(plugins=["network_trust", "metrics", "zoo"], **GUIDE | settings)
        people.make_user(app, "admin", "boss")
        return app

    return make


@pytest.fixture
def app(make_trusting: Callable[..., Flask]) -> Flask:
    return make_trusting()


def calls(app: Flask, peer: str = INSIDE, host: str = "localhost:8080") -> Call:
    """Return how somebody at `peer` calls: `call("/api/auth/me", X_Real_IP="…")`."""
    client = app.test_client()

    def call(path: str, method: str = "GET", **given: Any) -> Any:
        headers = {
            name.replace("_", "-"): value for name, value in given.items() if name[0].isupper()
        }
        options = {name: value for name, value in given.items() if name[0].islower()}
        return client.open(
            path,
            method=method,
            headers={"Host": host, **headers},
            environ_overrides={"REMOTE_ADDR": peer},
            **options,
        )

    return call
