"""Approvals hold for exactly what was approved: edits of a waiting job, and bytes that changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from st_core.db import db, unit_of_work
from st_core.models import Job
from st_core.services import claims
from st_core.testing.work import finish_job

from .office import REQUESTS, Office


def edit(office: Office, job_id: str, by: Any = None, **body: Any) -> Any:
    return (by or office.mei).patch(f"/api/cloud/jobs/{job_id}", json=body)


def test_an_edit_voids_the_request_and_asks_anew(office: Office) -> None:
    office.rule(quorum=2)
    first = office.asked()
    office.decide(office.lea, first, "approve")
    job_id = office.request(first)["job_id"]
    answer = edit(office, job_id, config={"steps": 9})
    assert (answer.status_code, answer.json["status"]) == (202, "pending_approval")
    assert office.request(first)["status"] == "cancelled"
    second = office.lea.get(f"{REQUESTS}/job/{job_id}").json
    assert second["id"] != first
    assert (second["approvals"], second["status"]) == (0, "pending")
    late = office.decide(office.root, first, "approve")
    assert (late.status_code, late.json["code"]) == (409, "request_decided")
    assert f"request {second['id']} took its place" in late.json["detail"]


def test_an_edit_after_the_approval_asks_again(office: Office) -> None:
    office.rule()
    first = office.asked()
    job_id = office.request(first)["job_id"]
    office.decide(office.lea, first, "approve")
    assert office.status(job_id) == "queued"
    assert edit(office, job_id, config={"steps": 9}).json["status"] == "pending_approval"
    assert office.request(first)["status"] == "approved"


def test_an_edit_that_no_rule_matches_goes_to_the_queue(office: Office) -> None:
    office.rule()
    job_id = office.request(office.asked())["job_id"]
    answer = edit(office, job_id, name="job $7", config={"steps": 9})
    assert (answer.status_code, answer.json["status"]) == (200, "queued")


def test_an_edit_can_be_refused_and_then_nothing_has_changed(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    job_id = office.request(request_id)["job_id"]
    answer = edit(office, job_id, config={"steps": -5})
    assert answer.status_code == 400
    assert office.request(request_id)["status"] == "pending"
    assert office.decide(office.lea, request_id, "approve").status_code == 200


def test_only_the_submitter_edits_and_only_while_it_waits(office: Office) -> None:
    office.rule()
    job_id = office.request(office.asked())["job_id"]
    other = edit(office, job_id, by=office.root, config={"steps": 9})
    assert (other.status_code, other.json["code"]) == (403, "not_the_owner")
    office.mei.post(f"/api/cloud/jobs/{job_id}/cancel")
    late = edit(office, job_id, config={"steps": 9})
    assert (late.status_code, late.json["code"]) == (409, "invalid_job_state")


def test_another_name_voids_nothing(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    job_id = office.request(request_id)["job_id"]
    assert edit(office, job_id, name="another name").json["name"] == "another name"
    assert office.request(request_id)["status"] == "pending"
    (told,) = office.events("job.amended")
    assert (told.before, told.after) == ({"name": "job $99"}, {"name": "another name"})


def test_an_approval_holds_only_for_what_was_seen(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    wrong = office.decide(office.lea, request_id, "approve", digest="0" * 64)
    assert (wrong.status_code, wrong.json["code"]) == (409, "changed_meanwhile")
    right = office.request(request_id)["digest"]
    assert office.decide(office.lea, request_id, "approve", digest=right).status_code == 200


def put(office: Office, job_id: str) -> None:
    """Change what would run past every door."""
    with office.app.app_context(), unit_of_work():
        db.session.execute(update(Job).where(Job.id == int(job_id)).values(config={"steps": 77}))


def test_bytes_that_changed_before_the_approval_are_not_approved(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    put(office, office.request(request_id)["job_id"])
    answer = office.decide(office.lea, request_id, "approve")
    assert (answer.status_code, answer.json["code"]) == (409, "changed_meanwhile")


def test_bytes_that_changed_after_the_approval_are_not_started(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    job_id = office.request(request_id)["job_id"]
    office.decide(office.lea, request_id, "approve")
    put(office, job_id)
    with office.app.app_context():
        assert claims.claim() is None
    job = office.root.get(f"/api/cloud/jobs/{job_id}").json
    assert job["status"] == "queued"
    assert "is not what would run" in job["hold_reason"]


def test_a_job_that_began_to_wait_while_approvals_were_off_is_asked_about(
    office: Office, make_app: Any
) -> None:
    url = office.app.config["SQLALCHEMY_DATABASE_URI"]
    without = make_app(plugins=["zoo"], database_url=url)
    client = without.test_client()
    key = {"Authorization": f"Bearer {office.mei.api_key}"}
    body = {"trainer": "fake_trainer", "config": {"steps": 1}, "for_approval": True}
    made = client.post("/api/cloud/never/submit", json=body, headers=key)
    assert made.json["status"] == "pending_approval", made.text
    again = make_app(plugins=["approvals", "zoo"], auth__mode="team", database_url=url)
    answer = again.test_client().get(
        REQUESTS, headers={"Authorization": f"Bearer {office.lea.api_key}"}
    )
    assert [each["job_id"] for each in answer.json["requests"]] == [made.json["job_id"]]


def test_an_approved_job_that_goes_on_after_a_crash_needs_no_second_approval(
    office: Office,
) -> None:
    office.rule(name="all", condition="user_level", threshold="researcher")
    body = {"trainer": "fake_trainer", "config": {"steps": 1}}
    made = office.mei.post("/api/cloud/crashing/submit", json=body).json
    office.decide(office.lea, made["approval_request_id"], "approve")
    finish_job(office.app, made["job_id"])
    job = office.root.get(f"/api/cloud/jobs/{made['job_id']}").json
    assert (job["status"], job["attempt"]) == ("failed", 3)
    assert office.lea.get(REQUESTS).json["total"] == 1
