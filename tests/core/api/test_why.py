"""Why a job waits, over the API: every gate, who holds it, what would start it, who may know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select

from st_core.db import db

Submit = Callable[..., dict[str, Any]]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo"], queue__max_concurrent=2, queue__user_max_concurrent=2)


def send(client: Any, **body: Any) -> str:
    asked = {"trainer": "fake_trainer", "config": {"steps": 3}} | body
    return str(client.post("/api/cloud/never/submit", json=asked).json["job_id"])


def why(client: Any, job_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/queue/{job_id}/why")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def gate(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["gates"] if one["name"] == name)


def test_every_gate_is_told_with_who_holds_it_and_the_smallest_change(
    client: Any, run_services_once: Callable[..., None]
) -> None:
    first, second, third = (send(client) for _ in range(3))
    run_services_once("dispatch")
    found = why(client, third)
    assert found["sentence"] == "2 of 2 run."
    names = [one["name"] for one in found["gates"]]
    assert names[:4] == ["Approval", "Queue", "Provider", "Trainer"]
    held = gate(found, "Limit for everyone")
    assert held["result"] == "no"
    assert held["held_by"] == [f"job {first} (fake_trainer)", f"job {second} (fake_trainer)"]
    assert gate(found, "Approval")["result"] == "pass"
    assert found["is_proven"]
    assert found["is_smallest"]
    changes = [[(one["kind"], one["subject"]) for one in way] for way in found["smallest_changes"]]
    assert changes[:2] == [[("end_job", first)], [("end_job", second)]]
    assert found["expected"]["earliest"] is None
    assert found["expected"]["unknown"]


def test_a_paused_queue_and_a_missing_approval_are_both_named(client: Any) -> None:
    job_id = send(client, for_approval=True)
    assert client.post("/api/queue/pause").status_code == 200
    found = why(client, job_id)
    assert [one["kind"] for one in found["smallest_changes"][0]] == ["approve", "resume_queue"]
    assert len(found["smallest_changes"]) == 1
    assert gate(found, "Queue")["held_by"] == ["Local owner"]
    assert gate(found, "Approval")["result"] == "ask"


def test_a_job_that_starts_by_itself_says_so_and_one_that_runs_does_not_wait(
    client: Any, run_services_once: Callable[..., None]
) -> None:
    job_id = send(client)
    found = why(client, job_id)
    assert found["smallest_changes"] == [[]]
    assert found["sentence"].startswith("Nothing holds it")
    run_services_once("dispatch")
    found = why(client, job_id)
    assert (found["waits"], found["gates"]) == (False, [])


def test_the_question_leaves_the_database_as_it_was(
    app: Flask, client: Any, run_services_once: Callable[..., None]
) -> None:
    jobs = [send(client) for _ in range(4)]
    run_services_once("dispatch")

    def dump() -> dict[str, Any]:
        with app.app_context():
            present = inspect(db.engine).get_table_names()
            return {
                table.name: (
                    db.session.scalar(select(func.count()).select_from(table)),
                    db.session.execute(select(table)).all(),
                )
                for table in db.metadata.sorted_tables
                if table.name in present
            }

    before = dump()
    for job_id in jobs:
        why(client, job_id)
    assert dump() == before


def test_who_may_not_see_a_job_learns_neither_its_number_nor_its_name(
    as_user: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    ada, bob = as_user("researcher", "ada"), as_user("researcher", "bob")
    hidden = [send(ada, name="the secret one") for _ in range(2)]
    run_services_once("dispatch")
    mine = send(bob)
    text = bob.get(f"/api/queue/{mine}/why").get_data(as_text=True)
    assert "secret" not in text
    assert not any(f'"{one}"' in text or f"job {one}" in text.lower() for one in hidden)
    assert "Another job ends." in text
    assert ada.get(f"/api/queue/{mine}/why").status_code == 404
    page = bob.get(f"/jobs/{mine}/why").get_data(as_text=True)
    assert "Another job ends." in page
    assert "secret" not in page


def test_the_job_page_lists_the_gates_and_leads_to_the_whole_answer(
    client: Any, run_services_once: Callable[..., None]
) -> None:
    jobs = [send(client) for _ in range(3)]
    run_services_once("dispatch")
    page = client.get(f"/jobs/{jobs[2]}").get_data(as_text=True)
    assert "Why it is waiting" in page
    assert f"/jobs/{jobs[2]}/why" in page
    assert "Why it is waiting" not in client.get(f"/jobs/{jobs[0]}").get_data(as_text=True)
    whole = client.get(f"/jobs/{jobs[2]}/why").get_data(as_text=True)
    assert "The smallest change that starts it" in whole
    detail = client.get(f"/api/cloud/jobs/{jobs[2]}").json
    assert detail["waits_for"][0]["name"] == "Limit for everyone"
