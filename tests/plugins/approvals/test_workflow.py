"""The workflow of guide section 3 through HTTP: ask (`st_require_approval`), decide (by the API or
the queue, through `st_approval_desk`), and what becomes of the job."""

from __future__ import annotations

from typing import Any

import pytest

from .office import REQUESTS, Office


def test_the_guide_s_workflow_from_submission_to_the_queue(office: Office) -> None:
    rule = office.rule()
    submitted = office.submit(office.mei, "99")
    assert (submitted.status_code, submitted.json["status"]) == (202, "pending_approval")
    listed = office.lea.get(REQUESTS).json
    assert (listed["total"], listed["pending_count"]) == (1, 1)
    request = listed["requests"][0]
    assert request["id"] == submitted.json["approval_request_id"]
    assert request["job_id"] == submitted.json["job_id"]
    assert (request["rule_id"], request["status"]) == (rule["id"], "pending")
    assert request["estimated_cost"] == 99
    assert request["reason"] == "estimated cost $99.00 is over $50"
    answer = office.decide(office.lea, request["id"], "approve", notes="for the show")
    assert answer.status_code == 200
    assert answer.json == {
        "success": True,
        "request_id": request["id"],
        "job_id": request["job_id"],
        "status": "approved",
        "approvals": 1,
        "quorum": 1,
        "approved_by": office.user_id("lea"),
        "rejected_by": None,
    }
    assert office.status(request["job_id"]) == "queued"
    after = office.request(request["id"])
    assert (after["status"], after["reviewer"], after["review_notes"]) == (
        "approved",
        "lea",
        "for the show",
    )
    assert [each.message for each in office.events("approval.required")] == [request["reason"]]
    assert len(office.events("approval.granted")) == 1


def test_a_rejected_job_is_cancelled_and_says_why(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    missing = office.lea.post(f"{REQUESTS}/{request_id}/reject", json={})
    assert (missing.status_code, missing.json["code"]) == (422, "validation_error")
    answer = office.decide(office.lea, request_id, "reject")
    assert (answer.status_code, answer.json["status"]) == (200, "rejected")
    job = office.root.get(f"/api/cloud/jobs/{answer.json['job_id']}").json
    assert (job["status"], job["error_message"]) == ("cancelled", "Rejected by lea: too dear")


def test_what_is_decided_cannot_be_decided_again(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    office.decide(office.lea, request_id, "approve")
    for verdict in ("approve", "reject"):
        answer = office.decide(office.root, request_id, verdict)
        assert (answer.status_code, answer.json["code"]) == (409, "request_decided")


def test_a_request_that_expired_cannot_be_approved_and_the_sweep_takes_all(
    office: Office, clock: Any
) -> None:
    office.rule()
    first = [office.asked() for _ in range(3)]
    clock.advance(hours=24, seconds=1)
    answer = office.decide(office.lea, first[0], "approve")
    assert (answer.status_code, answer.json["code"]) == (409, "request_expired")
    assert office.request(first[0])["is_expired"] is True
    assert office.lea.post("/api/approvals/expire").json == {"expired": 3}
    assert office.lea.post("/api/approvals/expire").json == {"expired": 0}
    after = office.request(first[0])
    assert after["status"] == "expired"
    assert office.status(after["job_id"]) == "cancelled"
    assert len(office.events("approval.expired")) == 3


def test_taking_a_request_back_cancels_its_job(office: Office) -> None:
    office.rule()
    mine, other = office.asked(), office.asked()
    stranger = office.person("researcher", "stranger")
    assert stranger.post(f"{REQUESTS}/{mine}/cancel").status_code == 404
    assert office.mei.post(f"{REQUESTS}/{mine}/cancel").json["success"] is True
    assert office.lea.post(f"{REQUESTS}/{other}/cancel").json["success"] is True
    for request_id in (mine, other):
        after = office.request(request_id)
        assert (after["status"], office.status(after["job_id"])) == ("cancelled", "cancelled")


def test_a_cancelled_job_closes_its_request(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    job_id = office.request(request_id)["job_id"]
    office.mei.post(f"/api/cloud/jobs/{job_id}/cancel")
    assert office.request(request_id)["status"] == "cancelled"


def test_several_are_decided_each_for_itself(office: Office) -> None:
    office.rule()
    ids = [office.asked() for _ in range(4)]
    approved = office.lea.post(
        f"{REQUESTS}/bulk-approve", json={"request_ids": [ids[0], 99999, ids[1]]}
    ).json
    assert (approved["total"], approved["succeeded"], approved["failed"]) == (3, 2, 1)
    assert [each["success"] for each in approved["results"]] == [True, False, True]
    rejected = office.lea.post(
        f"{REQUESTS}/bulk-reject", json={"request_ids": ids, "reason": "no"}
    ).json
    assert (rejected["succeeded"], rejected["failed"]) == (2, 2)


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_the_queue_s_own_endpoints_decide_by_the_same_function(
    office: Office, verdict: str
) -> None:
    office.rule()
    request_id = office.asked()
    job_id = office.request(request_id)["job_id"]
    answer = office.lea.post(f"/api/queue/{job_id}/{verdict}", json={"reason": "as I said"})
    assert answer.status_code == 200, answer.text
    after = office.request(request_id)
    assert (after["status"], after["reviewer"]) == (
        {"approve": "approved", "reject": "rejected"}[verdict],
        "lea",
    )


def test_requests_are_found_by_job_status_and_person(office: Office) -> None:
    office.rule()
    ids = [office.asked() for _ in range(3)]
    office.decide(office.lea, ids[0], "approve")
    page = office.lea.get(f"{REQUESTS}?limit=1&status=pending").json
    assert (page["total"], page["pending_count"], page["has_more"]) == (2, 2, True)
    assert office.lea.get("/api/approvals?pending_only=true").json["total"] == 2
    assert office.lea.get(f"{REQUESTS}/pending/count").json == {"pending_count": 2}
    assert office.mei.get("/api/approvals/me").json["total"] == 3
    assert office.mei.get(f"{REQUESTS}/{ids[2]}").json["id"] == ids[2]
    job_id = office.request(ids[2])["job_id"]
    assert office.mei.get(f"{REQUESTS}/job/{job_id}").json["id"] == ids[2]
    stranger = office.person("researcher", "stranger")
    assert stranger.get(f"{REQUESTS}/job/{job_id}").status_code == 404
    assert stranger.get(REQUESTS).status_code == 403
    assert office.lea.get(f"{REQUESTS}?status=nonsense").status_code == 400


def test_a_retry_of_what_was_refused_asks_again(office: Office) -> None:
    office.rule()
    first = office.asked()
    job_id = office.request(first)["job_id"]
    office.decide(office.lea, first, "reject")
    again = office.mei.post(f"/api/cloud/jobs/{job_id}/retry", json={})
    assert (again.status_code, again.json["status"]) == (202, "pending_approval")
    second = office.mei.get(f"{REQUESTS}/job/{job_id}").json
    assert (second["status"], second["id"] > first) == ("pending", True)


def test_a_dry_run_says_who_would_be_asked_and_asks_nobody(office: Office) -> None:
    office.rule(required_approver_level="admin")
    body = {"trainer": "fake_trainer", "config": {"steps": 1}, "name": "job $99"}
    answer = office.mei.post("/api/cloud/priced/submit?dry_run=true", json=body).json
    assert answer["status"] == "would_ask"
    (gate,) = [gate for gate in answer["gates"] if gate["name"] == "Approval"]
    assert (gate["verdict"], gate["text"]) == (
        "asks an admin",
        "estimated cost $99.00 is over $50",
    )
    assert office.lea.get(REQUESTS).json["total"] == 0


def test_the_queue_s_door_says_when_more_people_are_needed(office: Office) -> None:
    office.rule(quorum=2)
    job_id = office.request(office.asked())["job_id"]
    answer = office.lea.post(f"/api/queue/{job_id}/approve").json
    assert (answer["status"], answer["message"]) == (
        "pending_approval",
        "More people are needed.",
    )


def test_the_audit_log_calls_decisions_by_their_names(office: Office) -> None:
    office.rule()
    office.decide(office.lea, office.asked(), "approve")
    office.decide(office.lea, office.asked(), "reject")
    for kind in ("job.approved", "job.rejected"):
        (entry,) = office.root.get(f"/api/audit?event_type={kind}").json["entries"]
        assert (entry["actor_username"], entry["door"]) == ("lea", "api")
    assert office.root.get("/api/audit/verify").json["valid"] is True
