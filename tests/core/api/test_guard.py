"""Who is calling: the local owner by place, people by key, nobody else; and set-up mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

PROXIED = [
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-Proto": "https"},
    {"X-Real-IP": "203.0.113.9"},
    {"Forwarded": "for=203.0.113.9"},
    {"Via": "1.1 proxy"},
    {"X-Forwarded-Anything": "1"},
]
NAMES_OF_OTHERS = ["trainer.internal", "evil.example", "127.0.0.1.nip.io", "localhost.evil.example"]
NAMES_OF_THIS_MACHINE = ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "app.localhost"]


def test_the_person_at_this_machine_is_the_local_owner_with_every_right(client: Any) -> None:
    me = client.get("/api/auth/me").json
    assert me["is_admin"] is True
    assert me["permissions"] == ["*"]
    assert client.get("/api/auth/check").json["via"] == "local"


@pytest.mark.parametrize("name", NAMES_OF_THIS_MACHINE)
def test_every_name_of_this_machine_will_do(client: Any, name: str) -> None:
    assert client.get("/api/auth/me", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize("name", NAMES_OF_OTHERS)
def test_a_foreign_name_that_points_here_gets_set_up_mode(client: Any, name: str) -> None:
    answer = client.get("/api/auth/me", headers={"Host": name})
    assert (answer.status_code, answer.json["code"]) == (403, "setup_required")


@pytest.mark.parametrize("headers", PROXIED, ids=lambda headers: next(iter(headers)))
def test_a_call_through_a_proxy_on_this_machine_gets_set_up_mode(
    client: Any, headers: dict[str, str]
) -> None:
    answer = client.get("/api/auth/me", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "setup_required")


def test_a_proxy_that_forwards_nothing_is_known_by_its_old_http(client: Any) -> None:
    answer = client.get("/api/auth/me", environ_overrides={"SERVER_PROTOCOL": "HTTP/1.0"})
    assert answer.json["code"] == "setup_required"


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "::ffff:10.0.0.1", ""])
def test_another_machine_gets_set_up_mode(client: Any, address: str) -> None:
    answer = client.get("/api/auth/me", environ_overrides={"REMOTE_ADDR": address})
    assert answer.json["code"] == "setup_required"


def test_ipv4_in_ipv6_loopback_is_this_machine(client: Any) -> None:
    answer = client.get("/api/auth/me", environ_overrides={"REMOTE_ADDR": "::ffff:127.0.0.1"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/api/cloud/health", 200),
        ("GET", "/api/cloud/health/live", 200),
        ("GET", "/api/cloud/health/ready", 200),
        ("GET", "/api/auth/setup/status", 200),
        ("GET", "/api/version", 403),
        ("GET", "/api/auth/check", 403),
        ("GET", "/api/cloud/jobs", 403),
        ("POST", "/api/cloud/instant/submit", 403),
        ("GET", "/api/openapi.json", 403),
        ("GET", "/api/no/such/path", 403),
    ],
)
def test_in_set_up_mode_nothing_but_health_answers(
    client: Any, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method, headers={"X-Real-IP": "203.0.113.9"})
    assert answer.status_code == status


def test_a_browser_in_set_up_mode_is_led_to_the_page_that_sets_up(client: Any) -> None:
    headers = {"Host": "trainer.internal", "Accept": "text/html,*/*;q=0.8"}
    answer = client.get("/jobs", headers=headers)
    assert (answer.status_code, answer.location) == (302, "/first-run")


def test_once_somebody_has_an_account_the_place_alone_counts_for_nothing(
    client: Any, as_user: Callable[..., Any]
) -> None:
    assert client.get("/api/auth/me").status_code == 200
    as_user("researcher")
    answer = client.get("/api/auth/me")
    assert (answer.status_code, answer.json["code"]) == (401, "missing_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_in_mode_local_the_person_at_this_machine_stays_the_owner(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["zoo"], auth__mode="local")
    from st_core.testing import people

    client = app.test_client()
    for _ in range(2):
        assert client.get("/api/auth/me").json["is_admin"] is True
        answer = client.get("/api/auth/me", headers={"X-Real-IP": "203.0.113.9"})
        assert answer.status_code == 401
        people.make_user(app, "lead")


def test_in_mode_team_nobody_is_the_owner_by_place(make_app: Callable[..., Flask]) -> None:
    client = make_app(plugins=["zoo"], auth__mode="team").test_client()
    assert client.get("/api/auth/me").json["code"] == "setup_required"


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_an_api_key_opens_the_door_from_anywhere(
    app: Flask, as_user: Callable[..., Any], header: str
) -> None:
    key = as_user("researcher").api_key
    value = f"Bearer {key}" if header == "Authorization" else key
    answer = app.test_client().get(
        "/api/auth/me",
        headers={header: value, "Host": "trainer.internal", "X-Forwarded-For": "203.0.113.9"},
    )
    assert answer.status_code == 200
    assert answer.json["levels"][0]["name"] == "researcher"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer st_wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": ""},
        {"X-API-Key": "st_wrong"},
        {"X-API-Key": ""},
        {"Authorization": "Bearer st_one", "X-API-Key": "st_other"},
    ],
)
def test_a_credential_that_is_not_valid_is_refused_even_from_this_machine(
    client: Any, headers: dict[str, str]
) -> None:
    assert client.get("/api/auth/me").status_code == 200
    assert client.get("/api/auth/me", headers=headers).status_code == 401
    assert client.get("/api/auth/check", headers=headers).status_code == 401


def test_a_key_shows_what_its_owner_may_just_now(app: Flask, as_user: Callable[..., Any]) -> None:
    from st_core.db import db, unit_of_work
    from st_core.models import User

    somebody = as_user("researcher", "rita")
    assert somebody.get("/api/queue/stats").status_code == 200
    with app.app_context(), unit_of_work():
        db.session.query(User).filter_by(username="rita").one().is_active = False
    assert somebody.get("/api/queue/stats").status_code == 401


def test_a_viewer_is_told_which_permission_is_missing(as_user: Callable[..., Any]) -> None:
    answer = as_user("viewer").post("/api/queue/pause")
    assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")
    assert "queue.manage" in answer.json["detail"]


def test_what_somebody_does_is_recorded_with_name_address_door_and_request(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    from st_core.models import Event

    admin = as_user("admin", "ada")
    admin.post("/api/queue/pause", headers={"X-Request-ID": "req-7"})
    with app.app_context():
        event = Event.query.filter_by(name="queue.paused").one()
        assert (event.actor_name, event.address) == ("ada", "127.0.0.1")
        assert (event.door, event.request_id) == ("api", "req-7")


def test_the_setup_status_counts_people_and_not_the_local_owner(
    client: Any, as_user: Callable[..., Any]
) -> None:
    client.get("/api/auth/me")
    fresh = client.get("/api/auth/setup/status").json
    assert fresh == {
        "needs_setup": True,
        "has_admin": False,
        "user_count": 0,
        "registration_enabled": False,
    }
    as_user("admin")
    later = client.get("/api/auth/setup/status").json
    assert (later["needs_setup"], later["has_admin"], later["user_count"]) == (False, True, 1)
