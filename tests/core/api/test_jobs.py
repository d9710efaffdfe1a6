"""Jobs over HTTP: listed and filtered, looked at, cancelled, run again, deleted; each to whom it
belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

FIELDS_OF_OLD_CLIENTS = {
    "job_id",
    "job_type",
    "provider",
    "status",
    "config_name",
    "created_at",
    "started_at",
    "completed_at",
    "cost_usd",
    "hardware_type",
    "error_message",
    "output_url",
    "user_id",
    "metadata",
    "is_terminal",
    "is_active",
    "duration_seconds",
    "queue_position",
}


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [job["job_id"] for job in answer.json["jobs"]]


def test_a_job_is_told_at_the_top_and_once_more_under_job(
    client: Any, run_job: Callable[..., str]
) -> None:
    number = run_job()
    told = client.get(f"/api/cloud/jobs/{number}").json
    assert set(told) >= FIELDS_OF_OLD_CLIENTS
    assert {key: told[key] for key in told["job"]} == told["job"]
    assert (told["status"], told["is_terminal"], told["is_active"]) == ("completed", True, False)
    assert "upload_token" not in told


def test_a_waiting_job_tells_its_position_and_why_it_waits(
    client: Any, submit: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    numbers = [submit()["job_id"] for _ in range(4)]
    run_services_once("dispatch")
    places = [client.get(f"/api/cloud/jobs/{n}").json["queue_position"] for n in numbers]
    assert places == [None, None, 1, 2]
    assert "2 of 2" in client.get("/api/queue").json["entries"][2]["hold_reason"]


def test_the_newest_jobs_come_first_in_pages_that_neither_repeat_nor_skip(
    client: Any, submit: Callable[..., Any]
) -> None:
    made = [submit()["job_id"] for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/cloud/jobs", query_string={"limit": 3, "cursor": cursor})
        seen += ids(page)
        cursor = page.json["next"]
        submit()  # a new job does not shift the pages that follow
    assert seen == list(reversed(made))
    back = client.get("/api/cloud/jobs", query_string={"limit": 3, "cursor": page.json["previous"]})
    assert ids(back) == seen[3:6]
    assert (back.json["total"], back.json["total_is_exact"]) == (10, True)


def test_offset_works_too_and_a_foreign_cursor_is_refused(
    client: Any, submit: Callable[..., Any]
) -> None:
    made = [submit()["job_id"] for _ in range(3)]
    assert ids(client.get("/api/cloud/jobs?limit=1&offset=1")) == [made[1]]
    assert client.get("/api/cloud/jobs?cursor=rubbish").status_code == 422


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=completed", ["1"]),
        ("status=succeeded", ["1"]),
        ("status=queued&status=completed", ["3", "2", "1"]),
        ("status=queued,completed", ["3", "2", "1"]),
        ("provider=never", ["3", "2"]),
        ("provider=nowhere", []),
        ("trainer=fake_trainer", ["3", "2", "1"]),
        ("config=special", ["3"]),
        ("q=spec", ["3"]),
        ("q=100%25", []),
        ("q=2", ["2"]),
        ("job_type=cloud", ["3", "2", "1"]),
        ("job_type=local", []),
        ("user=1", ["3", "2", "1"]),
        ("user=99", []),
        ("since=2020-01-01", ["3", "2", "1"]),
        ("since=2020-01-01T00:00:00", ["3", "2", "1"]),
        ("until=2020-01-01T00:00:00%2B02:00", []),
        ("sort=created_at", ["1", "2", "3"]),
        ("sort=-name", ["3", "2", "1"]),
        ("sync_active=true", ["3", "2", "1"]),
    ],
)
def test_every_filter_lets_pass_what_it_says(
    client: Any,
    submit: Callable[..., Any],
    run_job: Callable[..., str],
    query: str,
    found: list[str],
) -> None:
    run_job()
    submit()
    submit(config_name="special")
    assert ids(client.get(f"/api/cloud/jobs?{query}")) == found


@pytest.mark.parametrize("query", ["status=unknown", "sort=cost", "job_type=x", "since=tomorrow"])
def test_a_filter_nobody_knows_is_refused(client: Any, query: str) -> None:
    assert client.get(f"/api/cloud/jobs?{query}").status_code == 422


def test_people_see_and_touch_only_their_own_jobs_leads_see_all(
    as_user: Callable[..., Any],
) -> None:
    rita, rob, lead, admin = (as_user(one) for one in ("researcher", "researcher", "lead", "admin"))
    body = {"config": {"steps": 1}, "trainer": "fake_trainer"}
    number = rita.post("/api/cloud/never/submit", json=body).json["job_id"]
    path = f"/api/cloud/jobs/{number}"
    assert ids(rita.get("/api/cloud/jobs")) == [number]
    assert ids(rob.get("/api/cloud/jobs")) == []
    assert ids(lead.get("/api/cloud/jobs")) == [number]
    for part in ("", "/logs", "/artifacts", "/metrics", "/attempts", "/gates", "/config"):
        assert rob.get(path + part).status_code == 404
        assert lead.get(path + part).status_code == 200
    assert rob.post(f"{path}/cancel").status_code == 404
    assert lead.post(f"{path}/cancel").status_code == 403
    assert admin.post(f"{path}/cancel").status_code == 200
    assert rob.delete(path).status_code == 404
    assert rita.delete(path).status_code == 200


def test_a_waiting_job_is_cancelled_at_once_and_only_once(
    client: Any, submit: Callable[..., Any]
) -> None:
    path = f"/api/cloud/jobs/{submit()['job_id']}"
    assert client.delete(path).status_code == 409
    told = client.post(f"{path}/cancel").json
    assert (told["success"], told["status"]) == (True, "cancelled")
    again = client.post(f"{path}/cancel")
    assert (again.status_code, again.json["code"]) == (409, "invalid_job_state")
    assert client.delete(path).json == {"success": True}
    assert client.get(path).status_code == 404


def test_a_running_job_is_asked_to_end_and_then_is_cancelled(
    client: Any, submit: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    number = submit()["job_id"]
    run_services_once("dispatch")
    told = client.post(f"/api/cloud/jobs/{number}/cancel").json
    assert told["status"] == "running"
    assert client.get(f"/api/cloud/jobs/{number}").json["cancel_requested_at"] is not None
    run_services_once("watch")
    run_services_once("watch")
    assert client.get(f"/api/cloud/jobs/{number}").json["status"] == "cancelled"


def test_several_jobs_are_cancelled_each_for_itself(
    client: Any, submit: Callable[..., Any], run_job: Callable[..., str]
) -> None:
    done, waiting = run_job(), submit()["job_id"]
    told = client.post("/api/cloud/jobs/cancel", json={"job_ids": [done, waiting, "none"]}).json
    assert (told["success"], told["cancelled"]) == (False, 1)
    assert [result["success"] for result in told["results"]] == [False, True, False]


def test_all_active_jobs_are_cancelled_and_nothing_is_not_all(
    client: Any, submit: Callable[..., Any]
) -> None:
    for _ in range(3):
        submit()
    assert client.post("/api/cloud/jobs/cancel", json={}).status_code == 422
    waiting = {"all": True, "status": ["pending_approval"]}
    assert client.post("/api/cloud/jobs/cancel", json=waiting).json["cancelled"] == 0
    assert client.post("/api/cloud/jobs/cancel", json={"all": True}).json["cancelled"] == 3


def test_a_failed_job_runs_again_as_a_new_attempt_of_the_same_job(
    client: Any, run_job: Callable[..., str]
) -> None:
    number = run_job(provider="failing", max_attempts=1)
    assert client.get(f"/api/cloud/jobs/{number}").json["status"] == "failed"
    answer = client.post(f"/api/cloud/jobs/{number}/retry", json={"fresh": True})
    assert (answer.status_code, answer.json["status"]) == (200, "queued")
    assert answer.json["job_id"] == number
    assert client.post(f"/api/cloud/jobs/{number}/retry").status_code == 409


def test_a_job_cancelled_before_its_first_start_runs_again(
    client: Any, submit: Callable[..., Any]
) -> None:
    number = submit()["job_id"]
    client.post(f"/api/cloud/jobs/{number}/cancel")
    answer = client.post(f"/api/cloud/jobs/{number}/retry")
    assert (answer.status_code, answer.json["status"]) == (200, "queued")
    assert len(client.get(f"/api/cloud/jobs/{number}/gates").json["gates"]) == 7


def test_retry_from_a_checkpoint_that_is_not_there_says_which_there_are(
    client: Any, run_job: Callable[..., str]
) -> None:
    number = run_job(provider="failing", max_attempts=1)
    answer = client.post(f"/api/cloud/jobs/{number}/retry", json={"checkpoint": "step-9"})
    assert answer.status_code == 404
    assert "none" in answer.json["detail"]


def test_attempts_and_gates_tell_how_the_job_came_to_run(
    client: Any, run_job: Callable[..., str]
) -> None:
    number = run_job(provider="crashing", max_attempts=2)
    attempts = client.get(f"/api/cloud/jobs/{number}/attempts").json["attempts"]
    assert [each["number"] for each in attempts] == [1, 2]
    assert [each["signal"] for each in attempts] == [11, 11]
    gates = client.get(f"/api/cloud/jobs/{number}/gates").json["gates"]
    assert {gate["result"] for gate in gates} == {"pass"}


def test_the_config_is_compared_with_the_run_before_or_a_named_one(
    client: Any, submit: Callable[..., Any]
) -> None:
    first = submit(config={"steps": 3}, config_name="same")["job_id"]
    second = submit(config={"steps": 4}, config_name="same")["job_id"]
    told = client.get(f"/api/cloud/jobs/{second}/config/diff").json
    assert told["against"] == first
    assert told["changes"] == [{"path": "steps", "before": 3, "after": 4, "kind": "changed"}]
    back = client.get(f"/api/cloud/jobs/{first}/config-diff?against={second}").json
    assert back["changes"][0]["after"] == 3
    assert client.get(f"/api/cloud/jobs/{first}/config/diff").json["against"] is None


def test_a_provider_that_cannot_save_on_request_says_so(
    client: Any, submit: Callable[..., Any]
) -> None:
    number = submit()["job_id"]
    assert client.post(f"/api/cloud/jobs/{number}/checkpoint").status_code == 409


def test_sync_asks_about_running_jobs(
    client: Any, submit: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    assert client.post("/api/cloud/jobs/sync").json["synced"] == 0
    submit()
    run_services_once("dispatch")
    assert client.post("/api/cloud/jobs/sync").json["synced"] == 1
