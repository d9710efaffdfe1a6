"""`auth.bypass_paths`: health and metrics may be opened, GET only, and nothing beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.errors import ConfigError
from st_core.testing import people

from .conftest import OUTSIDE, calls

PROMETHEUS = "/api/cloud/metrics/prometheus"
LISTED = ["/health", "/api/cloud/health", PROMETHEUS]


@pytest.fixture
def make_open(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Make a server with these paths open, and an administrator."""

    def make(paths: list[str]) -> Flask:
        app = make_app(plugins=["network_trust", "metrics", "zoo"], auth__bypass_paths=paths)
        people.make_user(app, "admin", "boss")
        return app

    return make


def test_metrics_answer_everybody_when_listed(make_open: Callable[..., Flask]) -> None:
    call = calls(make_open(LISTED), OUTSIDE)
    answer = call(PROMETHEUS)
    assert (answer.status_code, answer.content_type.split(";")[0]) == (200, "text/plain")
    assert b"simpletuner_jobs_active" in answer.data


def test_metrics_need_a_permission_when_not_listed(make_open: Callable[..., Flask]) -> None:
    app = make_open(["/health", "/api/cloud/health"])
    assert calls(app, OUTSIDE)(PROMETHEUS).status_code == 401
    for level, status in (("viewer", 403), ("researcher", 200)):
        key = people.client_of(app, people.make_user(app, level)).api_key
        assert calls(app, OUTSIDE)(PROMETHEUS, Authorization=f"Bearer {key}").status_code == status


def test_a_path_that_is_not_listed_stays_closed_under_its_other_name(
    make_open: Callable[..., Flask],
) -> None:
    assert calls(make_open(LISTED), OUTSIDE)("/api/metrics/prometheus").status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_only_get_is_open(make_open: Callable[..., Flask], method: str) -> None:
    answer = calls(make_open(LISTED), OUTSIDE)(PROMETHEUS, method)
    assert answer.status_code in (401, 403, 405)
    assert b"simpletuner_jobs_active" not in answer.data


TRICKS = [
    "/health/../api/cloud/jobs",
    "/health/..%2fapi/cloud/jobs",
    "/health%2f..%2fapi/cloud/jobs",
    "/health/%2e%2e/api/cloud/jobs",
    "//api/cloud/jobs",
    "/health//api/cloud/jobs",
    "/health/api/cloud/jobs",
    "/healthx",
    "/health;/api/cloud/jobs",
    "/health%00/api/cloud/jobs",
    "/health?/api/cloud/jobs",
    "/api/cloud/health/../jobs",
    "/api/cloud/health%2f..%2fjobs",
    "/api/cloud/healthx/../jobs",
    "/api/cloud/jobs?path=/health",
    "/api/cloud/jobs#/health",
    "/api/cloud/metrics/prometheus/../../jobs",
    "/api/cloud/jobs/../metrics/prometheus",
    "/API/CLOUD/METRICS/PROMETHEUS",
]


@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_of_an_open_path_opens_another(
    make_open: Callable[..., Flask], path: str
) -> None:
    call = calls(make_open(LISTED), OUTSIDE)
    answer = call(path)
    assert answer.status_code in (308, 400, 401, 404) or "status" in answer.json
    assert b'"jobs"' not in answer.data
    assert b"simpletuner_jobs_active" not in answer.data
    headers = {"X_Original_URL": "/health", "X_Rewrite_URL": PROMETHEUS}
    assert call("/api/cloud/jobs", **headers).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "health",
        "/api",
        "/api/cloud",
        "/api/cloud/jobs",
        "/api/cloud/metrics",
        "/api/metrics",
        "/metrics",
        "/healthx",
        "/health/",
        "/health/../api",
        "/health/.",
        "/health//live",
        "/health/*",
        "/health/%2e%2e/api",
        "/api/cloud/health/..",
        "//health",
        "/HEALTH",
        "/health?x=1",
        "/health;x",
        " /health",
        "/health\n",
        "http://localhost/health",
        "/api/cloud/metrics/prometheusx",
    ],
)
def test_nothing_but_health_and_metrics_can_be_listed(
    make_app: Callable[..., Flask], path: str
) -> None:
    with pytest.raises(
        ConfigError, match=r"auth\.bypass_paths.*only health and metrics"
    ) as refused:
        make_app(prepare=False, auth__bypass_paths=["/health", path])
    assert repr(path) in refused.value.detail


@pytest.mark.parametrize("value", ["/health", {"a": 1}, [1]])
def test_it_must_be_a_list_of_paths(make_app: Callable[..., Flask], value: Any) -> None:
    with pytest.raises(ConfigError, match=r"auth\.bypass_paths"):
        make_app(prepare=False, auth__bypass_paths=value)
