"""Who may decide: levels, quorum, delegation, organisations, and never about one's own job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from st_approvals import deciding

from st_core.clock import now
from st_core.db import db, unit_of_work
from st_core.models import Membership, Org, User
from st_core.services import users
from st_core.testing import people

from .office import REQUESTS, Office


def refused(answer: Any, code: str) -> bool:
    """Tell whether a decision was refused for this reason."""
    assert answer.status_code in (403, 409), answer.text
    return bool(answer.json["code"] == code)


def test_the_level_decides_not_the_permission_alone(office: Office) -> None:
    office.rule(required_approver_level="admin")
    request_id = office.asked()
    assert refused(office.decide(office.lea, request_id, "approve"), "approver_level_too_low")
    assert office.decide(office.mei, request_id, "approve").status_code == 403
    assert office.decide(office.root, request_id, "approve").status_code == 200


def test_who_is_granted_the_permission_by_name_counts_as_a_lead(office: Office) -> None:
    office.rule()
    zoe = office.person("researcher", "zoe")
    first, second = office.asked(), office.asked()
    assert office.decide(zoe, first, "approve").status_code == 403
    office.grant("zoe", "admin.approve")
    assert zoe.get(REQUESTS).json["total"] == 2
    assert office.decide(zoe, first, "approve").status_code == 200
    office.grant("zoe", "admin.approve", granted=False)
    assert office.decide(zoe, second, "approve").status_code == 403


def test_a_lead_who_lost_the_permission_decides_nothing(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    for permission in ("admin.approve", "queue.approve"):
        office.grant("lea", permission, granted=False)
    assert office.decide(office.lea, request_id, "approve").status_code == 403


# ── nobody their own job ──────────────────────────────────────────────────────────────────────────


def test_nobody_decides_about_their_own_job(office: Office) -> None:
    office.rule(required_approver_level="viewer")
    request_id = office.asked(office.lea)
    job_id = office.request(request_id)["job_id"]
    for verdict in ("approve", "reject"):
        assert refused(office.decide(office.lea, request_id, verdict), "own_job")
        queued = office.lea.post(f"/api/queue/{job_id}/{verdict}", json={"reason": "mine"})
        assert refused(queued, "own_job")
    several = office.lea.post(f"{REQUESTS}/bulk-approve", json={"request_ids": [request_id]})
    assert several.json["succeeded"] == 0
    assert office.request(request_id)["status"] == "pending"


def test_a_second_key_is_the_same_person(office: Office) -> None:
    office.rule()
    request_id = office.asked(office.lea)
    second = people.client_of(office.app, office.user_id("lea"))
    assert refused(office.decide(second, request_id, "approve"), "own_job")


def test_a_service_account_is_who_made_it_and_who_made_its_keys(office: Office) -> None:
    office.rule()
    made = {"username": "robot", "is_service": True, "level_names": ["lead"]}
    robot_id = office.root.post("/api/users", json=made).json["id"]
    robot = people.client_of(office.app, robot_id)
    by_robot = office.asked(robot, price="99")
    assert refused(office.decide(office.root, by_robot, "approve"), "own_job")
    assert office.decide(office.lea, by_robot, "approve").status_code == 200
    by_mei = office.asked()
    assert refused(office.decide(robot, by_mei, "approve"), "not_a_person")


def test_an_address_with_a_tag_is_the_same_person(office: Office) -> None:
    office.rule()
    request_id = office.asked(office.lea)
    twin = office.person("lead", "twin")
    with office.app.app_context(), unit_of_work():
        db.session.scalars(
            select(User).where(User.username == "twin")
        ).one().email = "LEA+second@example.org"
    assert refused(office.decide(twin, request_id, "approve"), "own_job")


def test_a_setting_lets_a_single_administrator_approve_their_own(office: Office) -> None:
    request_id = office.submit(office.root, "99", for_approval=True).json["approval_request_id"]
    assert refused(office.decide(office.root, request_id, "approve"), "own_job")
    changed = office.root.patch(
        "/api/settings", json={"settings": {"approvals.allow_self_approval": True}}
    )
    assert changed.status_code == 200, changed.text
    assert office.decide(office.root, request_id, "approve").status_code == 200


# ── several people ────────────────────────────────────────────────────────────────────────────────


def test_as_many_different_people_as_the_rule_says(office: Office) -> None:
    office.rule(quorum=2)
    request_id = office.asked()
    first = office.decide(office.lea, request_id, "approve").json
    assert (first["status"], first["approvals"], first["quorum"]) == ("pending", 1, 2)
    again = people.client_of(office.app, office.user_id("lea"))
    assert refused(office.decide(again, request_id, "approve"), "already_voted")
    assert office.status(first["job_id"]) == "pending_approval"
    last = office.decide(office.root, request_id, "approve").json
    assert (last["status"], last["approvals"]) == ("approved", 2)
    assert [vote["username"] for vote in office.request(request_id)["votes"]] == ["lea", "root"]


def test_one_no_is_enough(office: Office) -> None:
    office.rule(quorum=3)
    request_id = office.asked()
    office.decide(office.lea, request_id, "approve")
    assert office.decide(office.root, request_id, "reject").json["status"] == "rejected"


def test_who_could_not_approve_any_more_does_not_count(office: Office) -> None:
    office.rule(quorum=2)
    request_id = office.asked()
    office.decide(office.lea, request_id, "approve")
    for permission in ("admin.approve", "queue.approve"):
        office.grant("lea", permission, granted=False)
    answer = office.decide(office.root, request_id, "approve").json
    assert (answer["status"], answer["approvals"]) == ("pending", 1)


# ── in another's place ────────────────────────────────────────────────────────────────────────────


def delegate(office: Office, by: Any, to: str, days: float = 3) -> Any:
    ends = (now() + timedelta(days=days)).isoformat()
    return by.post("/api/approvals/delegations", json={"delegate": to, "ends_at": ends})


def test_a_delegate_decides_until_the_date_and_both_are_named(office: Office, clock: Any) -> None:
    office.rule(lifetime_hours=1000)
    zoe = office.person("researcher", "zoe")
    first, second = office.asked(), office.asked()
    assert zoe.get(REQUESTS).status_code == 403
    made = delegate(office, office.lea, "zoe")
    assert (made.status_code, made.json["is_active"]) == (201, True)
    assert zoe.get(REQUESTS).json["total"] == 2
    assert zoe.get(f"{REQUESTS}/{first}/context").status_code == 200
    assert office.decide(zoe, first, "approve").status_code == 200
    (vote,) = office.request(first)["votes"]
    assert (vote["username"], vote["on_behalf_of_name"]) == ("zoe", "lea")
    (granted,) = office.events("approval.granted")
    assert (granted.actor_name, granted.on_behalf_of_id) == ("zoe", office.user_id("lea"))
    clock.advance(days=3, seconds=1)
    assert office.decide(zoe, second, "approve").status_code == 403


def test_a_delegation_reaches_no_further_than_who_gave_it(office: Office) -> None:
    office.rule(name="mine", quorum=2)
    zoe = office.person("researcher", "zoe")
    delegate(office, office.lea, "zoe")
    by_zoe, by_lea, by_mei = office.asked(zoe), office.asked(office.lea), office.asked()
    assert refused(office.decide(zoe, by_zoe, "approve"), "own_job")
    assert refused(office.decide(zoe, by_lea, "approve"), "own_job")
    assert office.decide(zoe, by_mei, "approve").json["status"] == "pending"
    assert refused(office.decide(office.lea, by_mei, "approve"), "already_voted")
    assert (
        zoe.post(
            "/api/approvals/delegations",
            json={"delegate": "mei", "ends_at": (now() + timedelta(days=1)).isoformat()},
        ).status_code
        == 403
    )


def test_a_delegation_is_taken_back(office: Office) -> None:
    office.rule()
    zoe, request_id = office.person("researcher", "zoe"), office.asked()
    made = delegate(office, office.lea, "zoe").json
    assert zoe.delete(f"/api/approvals/delegations/{made['id']}").status_code == 404
    assert office.lea.delete(f"/api/approvals/delegations/{made['id']}").status_code == 200
    assert office.decide(zoe, request_id, "approve").status_code == 403
    again = office.lea.delete(f"/api/approvals/delegations/{made['id']}")
    assert refused(again, "delegation_ended")
    listed = office.lea.get("/api/approvals/delegations").json
    assert [(each["delegate"], each["is_active"]) for each in listed["delegations"]] == [
        ("Zoe", False)
    ]


@pytest.mark.parametrize(
    ("to", "days", "status"),
    [
        ("lea", 1, 400),
        ("zoe", -1, 400),
        ("zoe", 1000, 400),
        ("nobody", 1, 404),
    ],
)
def test_delegations_that_make_no_sense_are_refused(
    office: Office, to: str, days: float, status: int
) -> None:
    office.person("researcher", "zoe")
    assert delegate(office, office.lea, to, days).status_code == status


# ── where rights end, and other doors ─────────────────────────────────────────────────────────────


def join(app: Flask, org: str, *user_ids: int) -> None:
    """Put people into an organisation."""
    with app.app_context(), unit_of_work():
        row = db.session.scalar(select(Org).where(Org.slug == org))
        if row is None:
            row = Org(name=org, slug=org)
            db.session.add(row)
            db.session.flush()
        for user_id in user_ids:
            db.session.add(Membership(user_id=user_id, org_id=row.id, role="member"))


def test_a_lead_s_right_ends_at_the_own_organisation(office: Office) -> None:
    office.rule()
    ruth = office.person("lead", "ruth")
    join(office.app, "here", office.user_id("mei"), office.user_id("lea"))
    join(office.app, "there", office.user_id("ruth"))
    request_id = office.asked()
    assert ruth.get(REQUESTS).json["total"] == 0
    assert office.decide(ruth, request_id, "approve").status_code == 404
    assert office.decide(office.lea, request_id, "approve").status_code == 200


def test_a_reply_by_mail_decides_by_the_same_function(office: Office) -> None:
    office.rule()
    request_id = office.asked()
    with office.app.app_context():
        lea = db.session.scalars(select(User).where(User.username == "lea")).one()
        sender = users.viewer_of(lea, "email")
        done = deciding.decide(sender, request_id, deciding.APPROVE, "lgtm")
    assert done.status == "approved"
    (granted,) = office.events("approval.granted")
    assert granted.actor_name == "lea"
