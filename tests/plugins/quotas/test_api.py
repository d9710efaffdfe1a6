"""`/api/quotas` and its pages: forms, refusals, who sees and sets what."""

from __future__ import annotations

from typing import Any

import pytest

from st_core.db import db, unit_of_work
from st_core.errors import SetTimeRule
from st_core.models import Decision

from .house import House

GOOD = {"quota_type": "concurrent_jobs", "limit_value": 5, "action": "block"}


def test_types_me_and_user_are_not_taken_for_a_number(house: House) -> None:
    types = house.root.get("/api/quotas/types").json
    assert {"cost_monthly", "cost_daily", "concurrent_jobs"} < set(types["quota_types"])
    assert {"jobs_per_day", "jobs_per_hour", "local_gpus"} < set(types["quota_types"])
    assert types["actions"] == ["block", "warn", "notify", "require_approval"]
    own = house.root.get("/api/quotas/me").json
    assert own["statuses"] == []
    assert own["can_submit"] is True
    assert house.root.get(f"/api/quotas/user/{house.ids['root']}").json == own
    assert house.root.get("/api/quotas/user/999").status_code == 404
    assert house.root.get("/api/quotas/999").status_code == 404


def test_a_quota_replaces_the_one_of_its_scope_and_type_and_is_told(house: House) -> None:
    first = house.ceiling("jobs_per_day", 5)
    second = house.ceiling("jobs_per_day", 7, "warn")
    assert first["id"] == second["id"]
    assert second["is_global"] is True
    (listed,) = house.root.get("/api/quotas").json["quotas"]
    assert (listed["limit_value"], listed["action"]) == (7, "warn")
    one = f"/api/quotas/{second['id']}"
    assert house.root.get(one).json["limit_value"] == 7
    assert house.root.delete(one).json == {"success": True}
    assert house.root.get(one).status_code == house.root.delete(one).status_code == 404
    told = [(event.before, event.after) for event in house.events("quota.changed")]
    first_told = {"limit": "5", "action": "block", "mode": "enforce"}
    second_told = {"limit": "7", "action": "warn", "mode": "enforce"}
    assert told == [(None, first_told), (first_told, second_told), (second_told, None)]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"quota_type": "coffee"}, 400, "unknown_quota_type"),
        ({"action": "shout"}, 400, "unknown_action"),
        ({"limit_value": 2.5}, 400, "invalid_limit"),
        ({"limit_value": 0}, 422, "validation_error"),
        ({"limit_value": -1}, 422, "validation_error"),
        ({"limit_value": True}, 422, "validation_error"),
        ({"limit_value": "NaN"}, 422, "validation_error"),
        ({"user_id": 1, "team_id": 1}, 400, "several_scopes"),
        ({"user_id": 999}, 404, "user_not_found"),
        ({"level_id": 999}, 404, "level_not_found"),
        ({"team_id": 999}, 404, "team_not_found"),
        ({"org_id": 999}, 404, "org_not_found"),
    ],
)
def test_what_cannot_be_set_is_refused(
    house: House, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = house.root.post("/api/quotas", json=GOOD | changes)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_an_organisations_route_knows_actions_and_types(house: House) -> None:
    url = f"{house.org_url}/quotas"
    assert house.root.post(url, json=GOOD | {"action": "shout"}).status_code == 422
    assert house.root.post(url, json=GOOD | {"quota_type": "coffee"}).status_code == 400
    for action in ("warn", "notify", "require_approval", "block"):
        answer = house.root.post(url, json=GOOD | {"action": action})
        assert answer.json["quota"]["action"] == action


def test_a_lead_sees_the_own_organisation_and_sets_only_own_teams(house: House) -> None:
    lea, out = house.member("lead", "lea", role="admin"), house.person("researcher", "out")
    other = house.made("/api/orgs", "organization", name="Other", slug="other")
    house.ceiling("jobs_per_day", 5, org_id=other)
    house.ceiling("jobs_per_day", 5, user_id=house.ids["out"])
    own = house.ceiling("jobs_per_day", 5, org_id=house.org)
    assert [one["id"] for one in lea.get("/api/quotas").json["quotas"]] == [own["id"]]
    assert lea.get(f"/api/quotas/user/{house.ids['out']}").status_code == 404
    assert lea.get(f"/api/orgs/{other}/quotas").status_code == 404
    assert lea.post("/api/quotas", json=GOOD).status_code == 403
    assert lea.post(f"{house.org_url}/quotas", json=GOOD).status_code == 403
    assert lea.post(f"{house.team_url}/quotas", json=GOOD).status_code == 201
    len_ = house.member("lead", "len")
    refused = len_.post(f"{house.team_url}/quotas", json=GOOD)
    assert (refused.status_code, refused.json["code"]) == (403, "team_role_too_low")
    assert out.get("/api/quotas").status_code == 403
    assert out.get("/api/quotas/me").status_code == 200


def test_a_right_to_set_quotas_ends_at_the_own_organisation(house: House) -> None:
    lea = house.member("lead", "lea")
    grant = {"permission_name": "quota.manage", "granted": True}
    house.root.post(f"/api/users/{house.ids['lea']}/permissions", json=grant)
    other = house.made("/api/orgs", "organization", name="Other", slug="other")
    house.person("researcher", "out")
    everybody = house.ceiling("jobs_per_day", 5)
    assert lea.post("/api/quotas", json=GOOD).status_code == 403
    assert lea.post("/api/quotas", json=GOOD | {"user_id": house.ids["out"]}).status_code == 403
    assert lea.post("/api/quotas", json=GOOD | {"org_id": other}).status_code == 404
    assert lea.delete(f"/api/quotas/{everybody['id']}").status_code == 403
    assert lea.post("/api/quotas", json=GOOD | {"team_id": house.team}).status_code == 201


def test_a_cost_estimate_names_the_ceilings_it_would_exceed(house: House) -> None:
    mei = house.member("researcher", "mei")
    house.ceiling("cost_daily", 10)
    house.ceiling("cost_monthly", 100, "warn", org_id=house.org)
    answer = mei.post("/api/quotas/cost-estimate?estimated_cost=20").json
    assert (answer["estimated_cost"], answer["would_exceed"]) == (20, True)
    assert [(one["source"], one["would_exceed"]) for one in answer["impacts"]] == [
        ("global", True),
        ("org", False),
    ]
    assert not mei.post("/api/quotas/cost-estimate?estimated_cost=5").json["would_exceed"]


def test_the_page_shows_who_may_how_much_and_what_counts(house: House) -> None:
    mei = house.member("researcher", "mei")
    house.ceiling("concurrent_jobs", 40, org_id=house.org)
    house.ceiling("concurrent_jobs", 30, team_id=house.team)
    house.ceiling("concurrent_jobs", 24, org_id=house.org)
    house.ceiling("concurrent_jobs", 2, user_id=house.ids["mei"])
    house.admitted(mei)
    text = shown(house.root, "/admin/quotas")
    for word in ("NLP Team is over-committed", "24, from ML Research", "over-committed by 6"):
        assert word in text
    assert "2, own" in text
    money = shown(house.root, "/admin/quotas?type=cost_monthly")
    assert "An unknown estimate holds nothing until the cost is recorded" in money
    lea = house.member("lead", "lea")
    assert "Save ceiling" not in shown(lea, "/admin/quotas")
    assert "Ceilings" in shown(house.root, f"/admin/orgs/{house.org}")
    for path in ("/profile", "/jobs/new"):
        assert shown(mei, path).count("Your quotas") == (path == "/profile")


def test_the_document_applied_elsewhere_gives_the_same_document(house: House) -> None:
    from st_quotas.policy import POLICY

    house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 5, org_id=house.org)
    house.ceiling("cost_daily", 2.25, "warn", user_id=house.ids["mei"], mode="shadow")
    house.ceiling("gpu_hours_weekly", 7, "notify", team_id=house.team)
    house.ceiling("jobs_per_day", 9)
    with house.app.app_context(), unit_of_work(gate="submit"):
        document = POLICY.document()
        POLICY.schema.model_validate(document)
        POLICY.apply({"ceilings": []})
        assert POLICY.document() == {"ceilings": []}
        POLICY.apply(document)
        db.session.flush()
        assert POLICY.document() == document
    nobody = document["ceilings"][0] | {"scope": "user", "name": "nobody"}
    with house.app.app_context():
        with pytest.raises(SetTimeRule, match="nobody"), unit_of_work(gate="submit"):
            POLICY.apply({"ceilings": [nobody]})
        assert POLICY.document() == document


def test_a_recorded_decision_is_decided_the_same_again(house: House) -> None:
    from st_quotas.policy import POLICY

    from st_core.models import PolicyDocument

    mei = house.member("researcher", "mei")
    house.ceiling("concurrent_jobs", 1, org_id=house.org)
    for _ in range(3):
        house.submit(mei)
    with house.app.app_context():
        rows = list(db.session.scalars(db.select(Decision).order_by(Decision.id)))
        assert [row.outcome for row in rows] == ["admitted", "refused", "refused"]
        for row in rows:
            answer = next(one for one in row.answers if one["policy"] == "quotas")
            document = db.session.get_one(PolicyDocument, answer["digest"]).document
            found = POLICY.decide(document, row.asked, answer["facts"])
            assert [one.text for one in found] == [one["text"] for one in answer["findings"]]
            assert POLICY.facts(document, row.asked, row.at) == answer["facts"]


def shown(client: Any, path: str) -> str:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[-500:]
    return str(answer.text)
