"""The server itself over HTTP: health, version, status, plugins, settings, services, providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask


@pytest.mark.parametrize("root", ["/api/cloud/health", "/api/metrics/health"])
def test_every_spelling_of_health_answers_everybody(
    app: Flask, as_user: Callable[..., Any], root: str
) -> None:
    as_user("admin")
    client = app.test_client()
    assert client.get(f"{root}/live").json == {"status": "ok"}
    assert client.get(f"{root}/ready").json == {"status": "ready"}
    for query in ("", "?include_providers=true", "?include_replicate=false", "?probe=lb-1"):
        told = client.get(f"{root}{query}").json
        assert told["status"] == "healthy"
        assert {part["name"] for part in told["components"]} >= {"database"}
    assert client.get("/health").json == {"status": "healthy", "mode": "unified"}


def test_without_its_database_the_server_is_alive_but_not_ready(
    make_app: Callable[..., Flask],
) -> None:
    nowhere = "sqlite:////no/such/folder/app.db"
    client = make_app(plugins=["tiny_trainer"], prepare=False, database_url=nowhere).test_client()
    assert client.get("/health").status_code == 200
    assert client.get("/api/cloud/health/live").status_code == 200
    answer = client.get("/api/cloud/health/ready")
    assert (answer.status_code, answer.json["code"]) == (503, "not_ready")
    deep = client.get("/api/cloud/health")
    assert (deep.status_code, deep.json["status"]) == (503, "unhealthy")


def test_health_is_told_even_to_a_key_that_is_not_valid(client: Any) -> None:
    answer = client.get("/api/cloud/health/live", headers={"X-API-Key": "st_wrong"})
    assert answer.status_code == 200


def test_strangers_learn_the_version_and_no_more(app: Flask, as_user: Callable[..., Any]) -> None:
    told = as_user("viewer").get("/api/version").json
    assert told["plugins"] == {"zoo": told["plugins"]["zoo"]}
    assert app.test_client().get("/api/version").json == {
        "version": told["version"],
        "plugins": None,
    }


def test_the_machine_tells_its_figures(client: Any) -> None:
    told = client.get("/api/system/status").json
    assert told["disk_total_bytes"] > told["disk_free_bytes"] > 0
    assert 0 <= told["memory_percent"] <= 100
    assert told["database"] == "sqlite"
    assert told["gpu_allocation"] is None
    assert client.get("/api/system/status?include_allocation=true").json["gpu_allocation"] == []


def test_settings_are_shown_with_their_source_and_changed_all_or_none(
    make_app: Callable[..., Flask],
) -> None:
    client = make_app(plugins=["zoo"], queue__max_concurrent=4).test_client()

    def settings() -> dict[str, Any]:
        return {row["key"]: row for row in client.get("/api/settings").json["settings"]}

    found = settings()
    assert (found["queue.max_concurrent"]["value"], found["queue.max_concurrent"]["editable"]) == (
        4,
        False,
    )
    assert (found["database.url"]["secret"], found["database.url"]["value"]) == (True, None)
    wrong = {"settings": {"queue.user_max_concurrent": 3, "queue.team_max_concurrent": 999}}
    answer = client.patch("/api/settings", json=wrong)
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (
        422,
        "queue.team_max_concurrent",
    )
    assert settings()["queue.user_max_concurrent"]["value"] == 2
    right = {"settings": {"queue.user_max_concurrent": 3}}
    assert client.patch("/api/settings", json=right).status_code == 200
    assert settings()["queue.user_max_concurrent"]["source"] == "stored"
    fixed = {"settings": {"queue.max_concurrent": 3}}
    assert client.patch("/api/settings", json=fixed).status_code == 400
    assert client.patch("/api/settings", json={"settings": {"no.such": 1}}).status_code == 422
    assert client.patch("/api/settings", json={"settings": {}}).status_code == 422


def test_only_administrators_see_settings_plugins_and_services(as_user: Callable[..., Any]) -> None:
    lead, admin = as_user("lead"), as_user("admin")
    for path in ("/api/settings", "/api/plugins", "/api/system/services"):
        assert lead.get(path).status_code == 403
        assert admin.get(path).status_code == 200
    assert lead.patch("/api/settings", json={"settings": {"queue.paused": True}}).status_code == 403


def test_plugins_and_services_are_listed(client: Any) -> None:
    plugins = {row["name"]: row for row in client.get("/api/plugins").json["plugins"]}
    assert (plugins["zoo"]["enabled"], plugins["metrics"]["enabled"]) == (True, False)
    assert plugins["zoo"]["hooks"] == ["st_providers", "st_trainers"]
    told = client.get("/api/system/services").json
    assert {row["name"] for row in told["services"]} >= {"dispatch", "watch", "deliver"}
    assert told["running"] is False


def test_providers_are_listed_with_what_they_offer(client: Any) -> None:
    found = {row["id"]: row for row in client.get("/api/cloud/providers").json["providers"]}
    assert set(found) >= {"instant", "never", "slow"}
    assert found["instant"]["hardware"][0]["id"] == "fake-1"
    assert found["instant"]["capabilities"] == ["resume"]


def test_a_provider_without_settings_has_an_empty_config(client: Any) -> None:
    for path in ("/api/cloud/providers/instant/config", "/api/cloud/providers/instant"):
        assert client.get(path).json == {"provider": "instant", "config": {}, "editable": []}
    assert client.get("/api/cloud/providers/none/config").json["code"] == "provider_not_found"
    answer = client.put("/api/cloud/providers/instant/config", json={"api_base_url": "http://x"})
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "instant.api_base_url")


def test_a_providers_own_settings_are_its_config(make_app: Callable[..., Flask]) -> None:
    client = make_app(plugins=["local_gpu", "tiny_trainer"]).test_client()
    told = client.get("/api/cloud/providers/local_gpu/config").json
    assert told["config"]
    assert set(told["editable"]) <= set(told["config"])
    assert not [name for name in told["config"] if "." in name]
