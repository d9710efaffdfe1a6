"""Every condition of guide section 3 (and `user_level`), and how rules are tried."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from st_core.db import db
from st_core.models import Decision, PolicyDocument
from st_core.services import decisions, gates

from .office import RULES, Office

#: condition, threshold, what asks, what does not
TABLE: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("cost_exceeds", "50", {"price": "50.01"}, {"price": "50"}),
    ("cost_exceeds", "50", {"price": None}, {"price": "0"}),
    ("hardware_type", "a100*", {"hardware_profile": "gpu-a100-80gb"}, {}),
    ("hardware_type", "gpu-a100*", {"hardware_profile": "a100-80gb"}, {}),
    ("hardware_type", "^(a|h)[12]00", {"hardware_profile": "h100"}, {"hardware_profile": "H100"}),
    ("config_pattern", "*-full", {"config_name": "flux-full"}, {"config_name": "flux-Full"}),
    ("config_pattern", "^flux", {"config_name": "flux-lora"}, {"config_name": "my-flux"}),
    ("config_pattern", "full$", {"config_name": "flux-full"}, {"config_name": "full-flux"}),
    ("provider", "priced", {}, {"provider": "never"}),
    ("user_level", "researcher", {}, {"by": "lea"}),
]


@pytest.mark.parametrize(("condition", "threshold", "matches", "passes"), TABLE)
def test_a_condition_asks_exactly_when_it_holds(
    office: Office,
    condition: str,
    threshold: str,
    matches: dict[str, Any],
    passes: dict[str, Any],
) -> None:
    office.rule(condition=condition, threshold=threshold)
    for asked, expected in ((matches, "pending_approval"), (passes, "queued")):
        rest = {"price": "1", **asked}
        by = getattr(office, rest.pop("by", "mei"))
        provider, price = rest.pop("provider", "priced"), rest.pop("price")
        body = {"trainer": "fake_trainer", "config": {"steps": 1}, "hardware_profile": "cheap-1"}
        named = {"name": f"job ${price}"} if price else {}
        if provider != "priced":
            body["hardware_profile"] = "fake-1"
        answer = by.post(f"/api/cloud/{provider}/submit", json=body | named | rest)
        assert answer.json["status"] == expected, (asked, answer.text)


def test_more_jobs_in_a_day_than_allowed_ask(office: Office, clock: Any) -> None:
    office.rule(condition="daily_jobs_exceed", threshold="2")
    said = [office.submit(office.mei, "1").json["status"] for _ in range(4)]
    assert said == ["queued", "queued", "pending_approval", "pending_approval"]
    clock.advance(hours=24, seconds=1)
    assert office.submit(office.mei, "1").json["status"] == "queued"
    assert office.submit(office.lea, "1").json["status"] == "queued"


def test_only_the_very_first_job_of_a_person_asks(office: Office) -> None:
    office.rule(condition="first_job", threshold="whatever")
    request_id = office.asked(price="1")
    office.decide(office.lea, request_id, "reject")
    again = office.asked(price="1")  # the refused one never entered the queue
    office.decide(office.lea, again, "approve")
    assert office.submit(office.mei, "1").json["status"] == "queued"


def test_an_edit_of_the_first_job_is_still_of_the_first_job(office: Office) -> None:
    office.rule(condition="first_job", threshold="")
    job_id = office.request(office.asked(price="1"))["job_id"]
    answer = office.mei.patch(f"/api/cloud/jobs/{job_id}", json={"config": {"steps": 2}})
    assert (answer.status_code, answer.json["status"]) == (202, "pending_approval")


# ── how rules are tried ───────────────────────────────────────────────────────────────────────────


def test_rules_are_tried_by_priority_then_by_age_and_all_that_match_are_listed(
    office: Office,
) -> None:
    office.rule(name="low", priority=1)
    office.rule(name="second", priority=5, required_approver_level="admin", quorum=2)
    office.rule(name="third", priority=5)
    office.rule(name="elsewhere", priority=9, applies_to_provider="never")
    request = office.request(office.asked())
    assert [each["rule"] for each in request["matched"]] == ["second", "third", "low"]
    assert [rule["name"] for rule in office.root.get(RULES).json["rules"]] == [
        "elsewhere",
        "second",
        "third",
        "low",
    ]


def test_a_stricter_later_rule_raises_level_and_number_of_people(office: Office) -> None:
    first = office.rule(name="first", priority=5)
    office.rule(name="strict", priority=1, required_approver_level="admin", quorum=2)
    request = office.request(office.asked())
    assert request["rule_id"] == first["id"]
    assert (request["required_approver_level"], request["quorum"]) == ("admin", 2)
    answer = office.decide(office.lea, request["id"], "approve")
    assert (answer.status_code, answer.json["code"]) == (403, "approver_level_too_low")


def test_an_exempt_level_does_not_match_and_the_next_rule_is_tried(office: Office) -> None:
    office.rule(name="not for researchers", priority=9, exempt_levels=["researcher"])
    assert office.submit(office.mei, "99").json["status"] == "queued"
    office.rule(name="for all", priority=1, exempt_levels=[])
    request = office.request(office.asked())
    assert [each["rule"] for each in request["matched"]] == ["for all"]


def test_a_rule_can_be_for_one_provider_or_one_level(office: Office) -> None:
    office.rule(applies_to_provider="never")
    office.rule(name="leads", applies_to_level="lead")
    assert office.submit(office.mei, "99").json["status"] == "queued"
    assert office.submit(office.lea, "99").json["status"] == "pending_approval"


def test_a_rule_that_is_off_or_in_the_shadow_asks_nobody(office: Office) -> None:
    office.rule(name="off", is_active=False)
    office.rule(name="shadow", mode="shadow")
    answer = office.submit(office.mei, "99")
    assert answer.json["status"] == "queued"
    with office.app.app_context():
        (recorded,) = db.session.scalars(select(Decision)).all()
        (note,) = recorded.answers
        assert [(f["rule"], f["shadow"]) for f in note["findings"]] == [("shadow", True)]


def test_who_may_bypass_is_not_asked_and_that_is_told(office: Office) -> None:
    office.rule(exempt_levels=[])
    assert office.submit(office.root, "99").json["status"] == "queued"
    (used,) = office.events("job.bypass_used")
    assert used.data == {"right": "job.bypass.approval"}


def test_a_submitter_can_ask_without_any_rule(office: Office) -> None:
    answer = office.submit(office.mei, "1", for_approval=True)
    assert (answer.status_code, answer.json["status"]) == (202, "pending_approval")
    request = office.request(answer.json["approval_request_id"])
    assert (request["rule_id"], request["matched"][0]["rule"]) == (None, gates.ASKED)


def test_a_recorded_decision_is_made_again_from_what_was_recorded(office: Office) -> None:
    office.rule(name="cost")
    office.rule(name="daily", condition="daily_jobs_exceed", threshold="0")
    office.asked()
    with office.app.app_context():
        (recorded,) = db.session.scalars(select(Decision)).all()
        (note,) = recorded.answers
        document = db.session.get_one(PolicyDocument, note["digest"]).document
        policy = decisions.policies()["approvals"]
        again = policy.decide(document, recorded.asked, note["facts"])
        assert [each.rule for each in again] == [each["rule"] for each in note["findings"]]
        assert policy.facts(document, recorded.asked, recorded.at) == note["facts"]
