"""Guide section 6, as printed."""

from __future__ import annotations

import pytest

from .house import House


def test_the_requests_of_the_guide_work_as_printed(house: House) -> None:
    house.person("researcher", "mei")
    body = {"quota_type": "concurrent_jobs", "limit_value": 100, "action": "block"}
    answer = house.root.post(f"{house.org_url}/quotas", json=body)
    assert answer.status_code == 201
    assert answer.json["success"] is True
    assert answer.json["quota"]["limit_value"] == 100
    joined = {"user_id": house.ids["mei"], "role": "member"}
    assert house.root.post(f"{house.team_url}/members", json=joined).status_code == 201
    listed = house.root.get(f"{house.org_url}/quotas").json["quotas"]
    assert [(one["quota_type"], one["limit_value"]) for one in listed] == [("concurrent_jobs", 100)]


def test_org_100_team_20_user_50_gives_20(house: House) -> None:
    mei = house.member("researcher", "mei")
    for kind, limit in (("org", 100), ("team", 20)):
        house.ceiling("concurrent_jobs", limit, **{f"{kind}_id": getattr(house, kind)})
    house.ceiling("concurrent_jobs", 50, user_id=house.ids["mei"])
    standing = house.me(mei)["concurrent_jobs"]
    assert (standing["effective_limit"], standing["effective_source"]) == (20, "team")
    assert (standing["limit"], standing["source"]) == (20, "team")


def test_a_team_above_its_organisation_is_refused_when_set(house: House) -> None:
    house.ceiling("concurrent_jobs", 10, org_id=house.org)
    body = {"quota_type": "concurrent_jobs", "limit_value": 11, "action": "block"}
    for url, more in ((f"{house.team_url}/quotas", {}), ("/api/quotas", {"team_id": house.team})):
        answer = house.root.post(url, json=body | more)
        assert (answer.status_code, answer.json["code"]) == (400, "above_org_ceiling")
        assert "ML Research" in answer.json["detail"]
    assert (
        house.root.post(f"{house.team_url}/quotas", json=body | {"limit_value": 10}).status_code
        == 201
    )


def test_lowering_an_organisations_ceiling_leaves_teams_and_marks_them(house: House) -> None:
    mei = house.member("researcher", "mei")
    house.ceiling("concurrent_jobs", 40, org_id=house.org)
    house.ceiling("concurrent_jobs", 30, team_id=house.team)
    house.ceiling("concurrent_jobs", 1, org_id=house.org)
    team = house.root.get(f"{house.team_url}/quotas").json["quotas"][0]
    assert (team["limit_value"], team["effective_limit"], team["over_committed_by"]) == (30, 1, 29)
    house.admitted(mei)
    refused = house.submit(mei)
    assert (refused.status_code, refused.json["code"]) == (429, "quota_exceeded")
    assert "ml-research" in refused.json["detail"]


@pytest.mark.parametrize("scope", ["user", "team", "org", "level", "everybody"])
def test_block_refuses_at_each_scope(house: House, scope: str) -> None:
    mei = house.member("researcher", "mei")
    ids = {"user": house.ids["mei"], "team": house.team, "org": house.org, "level": level(house)}
    who = {f"{scope}_id": ids[scope]} if scope in ids else {}
    house.ceiling("concurrent_jobs", 1, **who)
    first = house.admitted(mei)
    refused = house.submit(mei)
    assert (refused.status_code, refused.json["code"]) == (429, "quota_exceeded")
    assert len(house.events("quota.exceeded")) == 1
    house.run(first)
    house.admitted(mei)


def test_warn_admits_and_says_so(house: House) -> None:
    mei = house.member("researcher", "mei")
    house.ceiling("jobs_per_day", 1, "warn")
    house.admitted(mei)
    answer = house.submit(mei)
    assert answer.status_code == 201
    assert "1 of 1 jobs within 24 hours" in answer.json["quota_warnings"][0]
    assert house.events("quota.warning")


def test_notify_admits_and_tells_the_admins(house: House) -> None:
    mei, lea = house.member("researcher", "mei"), house.member("lead", "lea")
    house.ceiling("jobs_per_hour", 1, "notify")
    house.admitted(mei)
    house.admitted(mei)
    (told,) = house.events("quota.notified")
    assert told.permission == "quota.view"
    assert told.job_id is not None
    assert lea.get("/api/quotas").status_code == 200


def test_require_approval_makes_a_request(house: House) -> None:
    mei = house.member("researcher", "mei")
    house.ceiling("concurrent_jobs", 1, "require_approval", user_id=house.ids["mei"])
    house.admitted(mei)
    answer = house.submit(mei)
    assert (answer.status_code, answer.json["status"]) == (202, "pending_approval")
    assert house.events("approval.required")


def level(house: House, name: str = "researcher") -> int:
    found = house.root.get("/api/users/levels").json["levels"]
    return int(next(one["id"] for one in found if one["name"] == name))
