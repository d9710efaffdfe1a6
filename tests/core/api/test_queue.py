"""The queue over HTTP: order, true positions, limits, priorities, releasing and rejecting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ENTRY = {
    "id",
    "job_id",
    "user_id",
    "provider",
    "config_name",
    "priority",
    "priority_name",
    "priority_override",
    "effective_priority",
    "status",
    "position",
    "queued_at",
    "started_at",
    "completed_at",
    "estimated_cost",
    "requires_approval",
    "attempt",
    "error_message",
}


def places(client: Any, query: str = "") -> list[tuple[str, int]]:
    entries = client.get(f"/api/queue{query}").json["entries"]
    return [(entry["job_id"], entry["position"]) for entry in entries]


def test_entries_stand_in_the_order_in_which_they_start(
    client: Any, submit: Callable[..., Any]
) -> None:
    first, second, third = (submit()["job_id"] for _ in range(3))
    assert places(client) == [(first, 1), (second, 2), (third, 3)]
    answer = client.post(f"/api/queue/{third}/priority", json={"priority": 50})
    assert answer.json == {
        "success": True,
        "job_id": third,
        "previous_effective_priority": 30,
        "new_effective_priority": 50,
        "priority_override": 50,
    }
    assert places(client) == [(third, 1), (first, 2), (second, 3)]
    assert client.get(f"/api/queue/position/{second}").json["position"] == 3
    client.post(f"/api/queue/{third}/priority", json={"priority": None})
    assert places(client) == [(first, 1), (second, 2), (third, 3)]
    entry = client.get("/api/queue").json["entries"][0]
    assert set(entry) >= ENTRY
    assert (entry["priority_name"], entry["status"]) == ("urgent", "pending")


@pytest.mark.parametrize("body", [{}, {"priority": 51}, {"priority": -1}, {"priority": "high"}])
def test_a_priority_out_of_bounds_is_refused(
    client: Any, submit: Callable[..., Any], body: dict[str, Any]
) -> None:
    number = submit()["job_id"]
    assert client.post(f"/api/queue/{number}/priority", json=body).status_code == 422


def test_a_lead_may_raise_own_jobs_to_high_and_no_further(as_user: Callable[..., Any]) -> None:
    lead, researcher = as_user("lead"), as_user("researcher")
    body = {"config": {"steps": 1}, "trainer": "fake_trainer"}
    own = lead.post("/api/cloud/never/submit", json=body).json["job_id"]
    others = researcher.post("/api/cloud/never/submit", json=body).json["job_id"]
    assert lead.post(f"/api/queue/{own}/priority", json={"priority": 20}).status_code == 200
    assert lead.post(f"/api/queue/{own}/priority", json={"priority": 21}).status_code == 403
    assert lead.post(f"/api/queue/{others}/priority", json={"priority": 5}).status_code == 403
    assert researcher.post(f"/api/queue/{others}/priority", json={"priority": 5}).status_code == 403


def test_the_status_words_of_the_queue_filter(
    client: Any, submit: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    running = submit()["job_id"]
    run_services_once("dispatch")
    waiting, blocked = submit()["job_id"], submit(for_approval=True)["job_id"]
    assert places(client, "?status=running") == [(running, 0)]
    assert places(client, "?status=pending") == [(waiting, 1)]
    assert places(client, "?status=ready") == [(waiting, 1)]
    assert places(client, "?status=blocked") == [(blocked, 0)]
    assert len(places(client)) == 3
    client.post(f"/api/cloud/jobs/{waiting}/cancel")
    assert len(places(client)) == 2
    assert len(places(client, "?include_completed=true")) == 3
    told = client.get("/api/queue").json
    assert (told["total_pending"], told["total_running"], told["total"]) == (0, 1, 2)
    assert client.get("/api/queue?status=nonsense").status_code == 422


def test_the_numbers_of_the_queue_are_true(
    client: Any, submit: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    for _ in range(4):
        submit()
    run_services_once("dispatch")
    told = client.get("/api/queue/stats").json
    assert (told["running"], told["queue_depth"]) == (2, 2)
    assert told["by_status"]["pending"] == 2
    assert list(told["by_user"].values()) == [4]
    assert (told["max_concurrent"], told["user_max_concurrent"]) == (5, 2)
    mine = client.get("/api/queue/me").json
    assert (mine["pending_count"], mine["running_count"], mine["best_position"]) == (2, 2, 1)
    assert len(mine["pending_jobs"]) == len(mine["running_jobs"]) == 2
    assert client.get("/api/queue/user/1").json == mine
    assert client.get("/api/queue/user/9").json["pending_count"] == 0


def test_a_researcher_sees_own_entries_only(as_user: Callable[..., Any]) -> None:
    rita, rob = as_user("researcher"), as_user("researcher")
    body = {"config": {"steps": 1}, "trainer": "fake_trainer"}
    number = rita.post("/api/cloud/never/submit", json=body).json["job_id"]
    assert rob.get("/api/queue").json["entries"] == []
    assert rob.get(f"/api/queue/position/{number}").status_code == 404
    assert rob.get("/api/queue/user/1").status_code == 403
    assert rob.post(f"/api/queue/{number}/cancel").status_code == 404
    assert rita.post(f"/api/queue/{number}/cancel").json["status"] == "cancelled"


def test_limits_are_stored_and_hold_for_the_next_decision(
    client: Any, submit: Callable[..., Any]
) -> None:
    for method in ("post", "put", "patch"):
        answer = getattr(client, method)("/api/queue/concurrency", json={"max_concurrent": 10})
        assert answer.status_code == 200
    told = client.post("/api/queue/concurrency", json={"user_max_concurrent": 3}).json
    assert (told["max_concurrent"], told["user_max_concurrent"]) == (10, 3)
    assert client.get("/api/queue/concurrency").json == told
    for _ in range(4):
        submit()
    assert client.post("/api/queue/process").json["dispatched"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"max_concurrent": 101},
        {"user_max_concurrent": 21},
        {"team_max_concurrent": 0},
        {"local_job_max_concurrent": 11},
        {"max_concurent": 3},
    ],
)
def test_limits_out_of_bounds_are_refused(client: Any, body: dict[str, int]) -> None:
    assert client.post("/api/queue/concurrency", json=body).status_code == 422


def test_fair_share_is_switched_on_and_off_like_a_limit(client: Any) -> None:
    path = "/api/queue/concurrency"
    assert client.get(path).json["enable_fair_share"] is False
    for wanted in (True, False):
        answer = client.post(path, json={"enable_fair_share": wanted})
        assert (answer.status_code, answer.json["enable_fair_share"]) == (200, wanted)
        assert client.get(path).json["enable_fair_share"] is wanted
        assert client.get("/api/queue/stats").json["enable_fair_share"] is wanted


def test_a_paused_queue_starts_nothing(client: Any, submit: Callable[..., Any]) -> None:
    assert client.post("/api/queue/pause").json == {"success": True, "paused": True}
    submit()
    assert client.post("/api/queue/process").json["dispatched"] == 0
    assert client.get("/api/queue").json["paused"] is True
    client.post("/api/queue/resume")
    assert client.post("/api/queue/process").json["dispatched"] == 1


def test_a_lead_releases_or_rejects_what_waits_for_approval(as_user: Callable[..., Any]) -> None:
    researcher, lead = as_user("researcher"), as_user("lead")
    body = {"config": {"steps": 1}, "trainer": "fake_trainer", "for_approval": True}
    one, two = (
        researcher.post("/api/cloud/never/submit", json=body).json["job_id"] for _ in range(2)
    )
    assert researcher.post(f"/api/queue/{one}/approve").status_code == 403
    assert lead.post(f"/api/queue/{one}/approve").json["status"] == "queued"
    assert lead.post(f"/api/queue/{one}/approve").status_code == 409
    assert lead.post(f"/api/queue/{two}/reject").status_code == 422
    assert lead.post(f"/api/queue/{two}/reject?reason=too+long").json["status"] == "cancelled"
    assert "too long" in researcher.get(f"/api/cloud/jobs/{two}").json["error_message"]


def test_a_stored_config_runs_here_by_name(make_app: Callable[..., Any]) -> None:
    from st_core.services import registries

    app = make_app(plugins=["zoo"])
    client = app.test_client()
    data = {"name": "mine", "trainer": "fake_trainer", "data": {"steps": 1}}
    client.post("/api/configs", json=data)
    with app.app_context():
        registries.providers()["local_gpu"] = registries.provider("never")
    answer = client.post("/api/queue/submit", json={"config_name": "mine"})
    assert (answer.status_code, answer.json["status"]) == (201, "pending")
    refused = client.post("/api/queue/submit", json={"config_name": "mine", "target": "kubeflow"})
    assert refused.status_code == 400
    assert client.post("/api/queue/submit", json={}).status_code == 422


def test_clean_up_deletes_what_ended_long_ago_and_nothing_that_has_not(
    client: Any, submit: Callable[..., Any], run_job: Callable[..., str], clock: Any
) -> None:
    run_job()
    waiting = submit()["job_id"]
    clock.advance(days=31)
    recent = run_job()
    assert client.post("/api/queue/cleanup?days=40").json["deleted"] == 0
    assert client.post("/api/queue/cleanup").json["deleted"] == 1
    left = [job["job_id"] for job in client.get("/api/cloud/jobs").json["jobs"]]
    assert left == [recent, waiting]
    assert client.post("/api/queue/cleanup?days=0").status_code == 422


@pytest.mark.parametrize("root", ["/api/queue", "/api/cloud"])
def test_the_polling_setting_is_the_files_and_shown_read_only(client: Any, root: str) -> None:
    told = client.get(f"{root}/polling/status").json
    assert (told["enabled"], told["interval_seconds"], told["source"]) == (True, 30.0, "default")
    assert client.put(f"{root}/polling/setting?enabled=true").status_code == 200
    answer = client.put(f"{root}/polling/setting", json={"enabled": False})
    assert answer.status_code == 400
    assert "configuration file" in answer.json["detail"]
