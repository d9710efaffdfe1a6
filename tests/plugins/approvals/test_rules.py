"""Approval rules over HTTP: guide section 3 as printed, what is refused, and what is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from st_core.db import unit_of_work
from st_core.services import decisions

from .office import HIGH_COST, RULES, Office


def test_the_guide_s_request_makes_the_rule_as_printed(office: Office) -> None:
    printed = json.dumps(HIGH_COST)  # sent by curl without a content type of JSON
    answer = office.root.post(RULES, data=printed, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 201
    rule = answer.json
    assert {name: rule[name] for name in HIGH_COST} == HIGH_COST
    assert rule["created_at"]
    assert rule["created_by"] == office.user_id("root")
    assert rule["id"] < 1000


def test_rules_are_read_by_approvers_and_written_by_administrators(office: Office) -> None:
    rule = office.rule()
    one = f"{RULES}/{rule['id']}"
    assert office.lea.get(RULES).json["total"] == 1
    assert office.lea.get(one).json["name"] == "high_cost"
    assert office.mei.get(RULES).status_code == 403
    for call in (
        office.lea.post(RULES, json=HIGH_COST),
        office.lea.patch(one, json={"is_active": False}),
        office.lea.delete(one),
    ):
        assert call.status_code == 403
        assert "admin.config" in call.json["detail"]


def test_a_change_touches_only_what_is_sent(office: Office) -> None:
    rule = office.rule(description="dear", lifetime_hours=5, applies_to_provider="priced")
    one = f"{RULES}/{rule['id']}"
    changed = office.root.patch(one, json={"threshold": "75.50"}).json
    assert changed == rule | {"threshold": "75.50"}
    changed = office.root.patch(one, json={"lifetime_hours": None, "description": None}).json
    assert (changed["lifetime_hours"], changed["description"]) == (None, "dear")
    told = office.events("approval.rule_updated")
    assert [(e.before, e.after) for e in told] == [
        ({"threshold": "50"}, {"threshold": "75.50"}),
        ({"lifetime_hours": 5}, {"lifetime_hours": None}),
    ]


def test_a_deleted_rule_leaves_the_history_of_its_requests(office: Office) -> None:
    rule = office.rule()
    request_id = office.asked()
    assert office.root.delete(f"{RULES}/{rule['id']}").json == {"success": True}
    request = office.request(request_id)
    assert (request["rule_id"], request["matched"][0]["rule"]) == (rule["id"], "high_cost")
    assert office.decide(office.lea, request_id, "approve").status_code == 200
    assert office.root.get(f"{RULES}/{rule['id']}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"condition": "no_such_thing"}, "condition"),
        ({"threshold": "fifty"}, "threshold"),
        ({"threshold": "-1"}, "threshold"),
        ({"threshold": "NaN"}, "threshold"),
        ({"threshold": "Infinity"}, "threshold"),
        ({"threshold": ""}, "threshold"),
        ({"condition": "daily_jobs_exceed", "threshold": "2.5"}, "threshold"),
        ({"condition": "daily_jobs_exceed", "threshold": "-2"}, "threshold"),
        ({"condition": "config_pattern", "threshold": "^(a"}, "threshold"),
        ({"condition": "config_pattern", "threshold": "^(?=a)"}, "threshold"),
        ({"condition": "hardware_type", "threshold": ""}, "threshold"),
        ({"condition": "provider", "threshold": " "}, "threshold"),
        ({"condition": "user_level", "threshold": "boss"}, "threshold"),
        ({"required_approver_level": "boss"}, "required_approver_level"),
        ({"exempt_levels": ["boss"]}, "exempt_levels"),
        ({"applies_to_level": "boss"}, "applies_to_level"),
    ],
)
def test_what_could_never_match_is_refused_when_it_is_set(
    office: Office, changes: dict[str, Any], path: str
) -> None:
    answer = office.root.post(RULES, json=HIGH_COST | changes)
    assert answer.status_code == 400, answer.text
    assert answer.json["errors"][0]["path"].endswith(path)


def test_a_name_is_taken_once(office: Office) -> None:
    office.rule()
    other = office.rule(name="other")
    assert office.root.post(RULES, json=HIGH_COST).status_code == 409
    taken = office.root.patch(f"{RULES}/{other['id']}", json={"name": "high_cost"})
    assert (taken.status_code, taken.json["code"]) == (409, "duplicate")


def test_every_condition_says_what_its_threshold_is(office: Office) -> None:
    conditions = office.lea.get("/api/approvals/conditions").json["conditions"]
    assert [each["value"] for each in conditions] == [
        "cost_exceeds",
        "hardware_type",
        "daily_jobs_exceed",
        "first_job",
        "config_pattern",
        "provider",
        "user_level",
    ]
    assert all(each["name"] and each["threshold"] for each in conditions)


def test_a_change_holds_from_the_next_submission_on(office: Office) -> None:
    rule = office.rule()
    assert office.submit(office.mei, "99").json["status"] == "pending_approval"
    office.root.patch(f"{RULES}/{rule['id']}", json={"threshold": "100"})
    assert office.submit(office.mei, "99").json["status"] == "queued"


def test_the_document_put_back_gives_the_same_rules_in_the_same_order(office: Office) -> None:
    for name, priority in (("a", 1), ("b", 5), ("c", 5), ("d", 1)):
        office.rule(name=name, priority=priority)
    with office.app.app_context():
        policy = decisions.policies()["approvals"]
        wanted = policy.document()
        shuffled = {"rules": [wanted["rules"][n] for n in (1, 0, 2, 3)]}
        for document in (shuffled, wanted, {"rules": []}, wanted):
            policy.schema.model_validate(document)
            with unit_of_work(gate="submit"):
                policy.apply(document)
            assert policy.document() == document
