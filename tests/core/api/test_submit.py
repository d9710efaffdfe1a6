"""Submitting over HTTP: every spelling, refusals with their reason, dry runs, idempotency."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

CONFIG = {"steps": 3}


@pytest.mark.parametrize(
    "path",
    [
        "/api/cloud/never/submit",
        "/api/cloud/jobs/submit?provider=never",
        "/api/cloud/jobs/submit",
    ],
)
def test_every_spelling_of_submit_admits_a_job(client: Any, path: str) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer", "provider": "never", "config_name": "mine"}
    answer = client.post(path, json=body)
    assert answer.status_code == 201
    told = answer.json
    assert (told["success"], told["status"], told["queue_position"]) == (True, "queued", 1)
    job = client.get(f"/api/cloud/jobs/{told['job_id']}").json
    assert (job["provider"], job["config_name"], job["trainer"]) == (
        "never",
        "mine",
        "fake_trainer",
    )


def test_the_guides_airflow_function_works_as_it_is_printed(
    app: Flask, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from st_core.testing.work import run_once

    class Answer:
        def __init__(self, answer: Any) -> None:
            self.json = answer.get_json

    class Requests:
        @staticmethod
        def post(url: str, json: Any, headers: dict[str, str]) -> Answer:
            assert headers == {"Authorization": f"Bearer {token}"}
            return Answer(
                client.post(url.removeprefix("http://localhost:8080"), json=json, headers=headers)
            )

        @staticmethod
        def get(url: str) -> Answer:
            return Answer(client.get(url.removeprefix("http://localhost:8080")))

    class Time:
        @staticmethod
        def sleep(_seconds: float) -> None:
            run_once(app, ("dispatch", "watch"))

    with app.app_context():
        from st_core.services import api_keys, users

        _, token = api_keys.create(users.local_owner().id, "airflow")
    names: dict[str, Any] = {"requests": Requests, "TOKEN": token, "time": Time}
    exec(AIRFLOW, names)  # noqa: S102 - the guide's text, verbatim
    result = names["submit_and_wait"](CONFIG | {"note": "bare"}, provider="slow")
    assert result["status"] == "completed"
    assert result["job"]["status"] == "completed"


AIRFLOW = """
def submit_and_wait(job_config, provider="replicate", **context):
    resp = requests.post(
        f"http://localhost:8080/api/cloud/{provider}/submit",
        json=job_config,
        headers={"Authorization": f"Bearer {TOKEN}"}
    )
    job_id = resp.json()["job_id"]

    while True:
        status = requests.get(f"http://localhost:8080/api/cloud/jobs/{job_id}")
        state = status.json()["status"]
        if state in ("completed", "failed", "cancelled"):
            return status.json()
        time.sleep(30)
"""


def test_a_body_without_config_or_name_is_the_config_itself(client: Any) -> None:
    answer = client.post("/api/cloud/never/submit", json={"steps": 7, "note": "hello"})
    assert answer.status_code == 201
    config = client.get(f"/api/cloud/jobs/{answer.json['job_id']}/config").json["config"]
    assert (config["steps"], config["note"]) == (7, "hello")


def test_a_stored_config_is_submitted_by_name(client: Any) -> None:
    client.post("/api/configs", json={"name": "mine", "trainer": "fake_trainer", "data": CONFIG})
    for key in ("config_name", "config_name_to_load"):
        answer = client.post("/api/cloud/never/submit", json={key: "mine"})
        assert answer.status_code == 201, answer.json
        job = client.get(f"/api/cloud/jobs/{answer.json['job_id']}").json
        assert job["config_name"] == "mine"


def test_a_config_that_cannot_run_is_refused_with_every_problem_at_its_field(client: Any) -> None:
    body = {"config": {"steps": 0, "orphans": 99}, "trainer": "fake_trainer"}
    answer = client.post("/api/cloud/never/submit", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_config")
    assert {error["path"] for error in answer.json["errors"]} == {"config.steps", "config.orphans"}
    assert client.get("/api/cloud/jobs").json["total"] == 0


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/api/cloud/nowhere/submit", {"config": CONFIG}, "provider_not_found"),
        ("/api/cloud/never/submit", {"config": CONFIG, "trainer": "x"}, "trainer_not_found"),
        ("/api/cloud/never/submit", {"config_name": "x"}, "config_not_found"),
        (
            "/api/cloud/never/submit",
            {"config": CONFIG, "trainer": "fake_trainer", "start_from_job_id": "77"},
            "job_not_found",
        ),
    ],
)
def test_what_a_submission_names_must_be_there(
    client: Any, path: str, body: dict[str, Any], code: str
) -> None:
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json["code"]) == (404, code)


def test_a_misspelt_field_beside_a_config_is_an_error_and_not_ignored(client: Any) -> None:
    answer = client.post("/api/cloud/never/submit", json={"config": CONFIG, "trainr": "x"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == "trainr"


def test_what_old_clients_send_in_vain_is_said_in_the_answer(client: Any) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer", "webhook_url": "http://10.0.0.1/x"}
    answer = client.post("/api/cloud/never/submit", json=body | {"upload_id": "u1"})
    assert answer.status_code == 201
    assert [note.split(" ")[0] for note in answer.json["warnings"]] == ["webhook_url", "upload_id"]


def test_a_job_that_asks_for_approval_waits_and_answers_202(client: Any) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer", "for_approval": True}
    answer = client.post("/api/cloud/never/submit", json=body)
    assert (answer.status_code, answer.json["status"]) == (202, "pending_approval")
    listed = client.get("/api/cloud/jobs?status=blocked").json["jobs"]
    assert [job["job_id"] for job in listed] == [answer.json["job_id"]]


def test_viewers_may_not_submit(as_user: Callable[..., Any]) -> None:
    answer = as_user("viewer").post("/api/cloud/never/submit", json={"config": CONFIG})
    assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")


# ── dry runs ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        "/api/cloud/never/submit?dry_run=true",
        "/api/cloud/jobs/submit?dry_run=true&provider=never",
        "/api/cloud/jobs/dry-run?provider=never",
        "/api/cloud/never/validate",
    ],
)
def test_every_spelling_of_a_dry_run_asks_all_gates_and_writes_nothing(
    client: Any, path: str
) -> None:
    head = client.get("/api/events/recent").json["head"]
    answer = client.post(path, json={"config": CONFIG, "trainer": "fake_trainer"})
    assert answer.status_code == 200
    told = answer.json
    assert (told["valid"], told["status"], told["job_id"]) == (True, "would_queue", None)
    assert [gate["name"] for gate in told["gates"]] == [
        "Permission",
        "Well formed",
        "Price",
        "Access rules",
        "Room",
        "Approval",
        "Queue",
    ]
    assert client.get("/api/cloud/jobs").json["total"] == 0
    assert client.get("/api/events/recent").json["head"] == head


def test_a_dry_run_tells_a_refusal_and_the_fields_that_cause_it(client: Any) -> None:
    body = {"config": {"steps": -1}, "trainer": "fake_trainer"}
    told = client.post("/api/cloud/never/validate", json=body).json
    assert (told["valid"], told["success"], told["status"]) == (False, False, "would_refuse")
    assert [error["path"] for error in told["errors"]] == ["config.steps"]
    results = {gate["name"]: gate["result"] for gate in told["gates"]}
    assert (results["Permission"], results["Well formed"], results["Queue"]) == (
        "pass",
        "no",
        "todo",
    )


def test_a_dry_run_tells_that_a_person_would_be_asked(client: Any) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer", "for_approval": True}
    assert client.post("/api/cloud/never/validate", json=body).json["status"] == "would_ask"


# ── idempotency ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["body", "header"])
def test_the_same_key_gives_the_same_job(client: Any, place: str) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer"}
    headers = {"Idempotency-Key": "once"} if place == "header" else {}
    body |= {"idempotency_key": "once"} if place == "body" else {}
    first = client.post("/api/cloud/never/submit", json=body, headers=headers)
    again = client.post("/api/cloud/never/submit", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["job_id"] == first.json["job_id"]
    assert (first.json["idempotent_hit"], again.json["idempotent_hit"]) == (False, True)
    assert client.get("/api/cloud/jobs").json["total"] == 1


def test_two_people_may_use_the_same_key(as_user: Callable[..., Any]) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer", "idempotency_key": "once"}
    first = as_user("researcher").post("/api/cloud/never/submit", json=body).json
    second = as_user("researcher").post("/api/cloud/never/submit", json=body).json
    assert first["job_id"] != second["job_id"]
    assert second["idempotent_hit"] is False


def test_two_keys_that_differ_are_refused(client: Any) -> None:
    body = {"config": CONFIG, "trainer": "fake_trainer", "idempotency_key": "one"}
    answer = client.post("/api/cloud/never/submit", json=body, headers={"Idempotency-Key": "two"})
    assert answer.status_code == 422


def test_one_key_sent_by_many_threads_at_once_makes_one_job(
    app: Flask, as_user: Callable[..., Any], exam: Any
) -> None:
    key = as_user("researcher").api_key
    body = {"config": CONFIG, "trainer": "fake_trainer", "idempotency_key": "race"}
    answers: list[Any] = []

    def post() -> None:
        headers = {"Authorization": f"Bearer {key}"}
        answers.append(
            app.test_client().post("/api/cloud/never/submit", json=body, headers=headers)
        )

    threads = [threading.Thread(target=post) for _ in range(exam.count("threads", 8, 64))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.json["job_id"] for answer in answers} == {"1"}
    assert sorted(answer.status_code for answer in answers)[-1] == 201
    assert [answer.status_code for answer in answers].count(201) == 1


# ── asked before ────────────────────────────────────────────────────────────────────────────────


def test_hardware_and_configs_that_can_be_asked_for_are_listed(client: Any) -> None:
    client.post("/api/configs", json={"name": "mine", "trainer": "fake_trainer", "data": CONFIG})
    options = client.get("/api/cloud/hardware-options").json
    assert options["default_hardware"] == "fake-1"
    assert options["hardware"][0]["cost_per_hour"] == 1.0
    assert client.get("/api/cloud/available-configs").json["configs"] == [
        {"name": "mine", "trainer": "fake_trainer", "description": "", "revision": 1}
    ]
    assert client.get("/api/cloud/pre-submit-check?config_name=mine").json["is_dirty"] is False


def test_the_cost_estimate_is_told_from_runs_that_completed(
    client: Any, run_job: Callable[..., str]
) -> None:
    path = "/api/cloud/cost-estimate?provider=instant"
    assert client.post(path, json=[]).json["has_estimate"] is False
    run_job()
    told = client.post(path, json=[{"id": "data"}]).json
    assert told["has_estimate"] is True
    assert told["hardware_cost_per_hour"] == 1.0
    assert told["avg_duration_seconds"] >= 0
