"""Organisations and teams over HTTP: the guide's own calls, names, who may, and what is told."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db, unit_of_work
from st_core.models import Event, Job, User
from tests.core import circles

#: Guide section 6, as printed.
GUIDE = """
curl -X POST http://localhost:8080/api/orgs \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"name": "ML Research", "slug": "ml-research"}'

curl -X POST http://localhost:8080/api/orgs/1/teams \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"name": "NLP Team", "slug": "nlp"}'

curl -X POST http://localhost:8080/api/orgs/1/teams/1/members \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"user_id": 123, "role": "member"}'
"""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app with the zoo."""
    return make_app(plugins=["zoo"])


def facts(app: Flask, prefix: str) -> list[Event]:
    with app.app_context():
        query = select(Event).where(Event.name.startswith(prefix)).order_by(Event.id)
        return list(db.session.scalars(query))


def test_the_guides_calls_work_as_printed(app: Flask, as_user: Callable[..., Any]) -> None:
    admin = as_user("admin")
    with app.app_context(), unit_of_work() as session:
        session.add(User(id=123, username="jsmith", email="jsmith@example.org"))
    answers = []
    for call in GUIDE.strip().split("\n\n"):
        words = shlex.split(call.replace("$ADMIN_TOKEN", admin.api_key))
        path = words[3].removeprefix("http://localhost:8080")
        answers.append(admin.post(path, data=words[-1]))
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert (
        answers[0].json["organization"].items()
        >= {
            "id": 1,
            "name": "ML Research",
            "slug": "ml-research",
            "description": "",
            "is_active": True,
            "settings": {},
            "team_count": 0,
            "member_count": 0,
        }.items()
    )
    assert answers[1].json["team"].items() >= {"id": 1, "org_id": 1, "slug": "nlp"}.items()
    assert answers[2].json["success"] is True
    assert circles.names(admin.get("/api/orgs/1/members")) == ["jsmith"]


def test_an_organisation_is_made_changed_listed_and_deleted(as_user: Callable[..., Any]) -> None:
    admin = as_user("admin")
    number = circles.org(admin, "lab", description="Where we try", settings={"colour": "blue"})
    assert admin.get(f"/api/orgs/{number}").json["organization"]["settings"] == {"colour": "blue"}
    changed = admin.patch(f"/api/orgs/{number}", json={"name": "The Lab", "description": None})
    assert changed.json["organization"]["name"] == "The Lab"
    assert changed.json["organization"]["description"] == "Where we try"
    assert admin.delete(f"/api/orgs/{number}").json["success"] is True
    assert admin.get(f"/api/orgs/{number}").status_code == 404
    assert circles.org(admin, "again") == number + 1, "a number is given out once"


@pytest.mark.parametrize("slug", ["", "Lab", "a b", "ä", "a_b", "x" * 51, "a\n"])
def test_a_slug_is_of_small_letters_digits_and_hyphens(
    as_user: Callable[..., Any], slug: str
) -> None:
    admin = as_user("admin")
    assert admin.post("/api/orgs", json={"name": "Lab", "slug": slug}).status_code == 422
    number = circles.org(admin)
    refused = admin.post(f"/api/orgs/{number}/teams", json={"name": "Team", "slug": slug})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["path"] == "slug"


@pytest.mark.parametrize("body", [{"name": " ", "slug": "x"}, {"slug": "x"}, {"name": "x" * 101}])
def test_a_name_is_needed_and_not_too_long(
    as_user: Callable[..., Any], body: dict[str, str]
) -> None:
    assert as_user("admin").post("/api/orgs", json={"slug": "x"} | body).status_code == 422


def test_a_slug_that_is_taken_is_a_conflict_only_where_it_is_taken(
    as_user: Callable[..., Any],
) -> None:
    admin = as_user("admin")
    one, two = circles.org(admin, "one"), circles.org(admin, "two")
    again = admin.post("/api/orgs", json={"name": "Other", "slug": "one"})
    assert (again.status_code, again.json["code"]) == (409, "duplicate")
    assert "'one'" in again.json["detail"]
    circles.team(admin, one, "nlp")
    circles.team(admin, two, "nlp")
    again = admin.post(f"/api/orgs/{one}/teams", json={"name": "Other", "slug": "nlp"})
    assert (again.status_code, again.json["code"]) == (409, "duplicate")


def test_what_is_not_active_is_listed_on_request(as_user: Callable[..., Any]) -> None:
    admin = as_user("admin")
    number = circles.org(admin)
    team = circles.team(admin, number)
    for path, key in (
        (f"/api/orgs/{number}/teams", "teams"),
        ("/api/orgs", "organizations"),
    ):
        one = f"{path}/{team if key == 'teams' else number}"
        assert admin.patch(one, json={"is_active": False}).status_code == 200
        assert admin.get(path).json[key] == []
        assert admin.get(path).json["total"] == 0
        assert circles.names(admin.get(f"{path}?include_inactive=true"), key, "is_active") == [
            False
        ]


def test_lists_come_in_pages(as_user: Callable[..., Any]) -> None:
    admin = as_user("admin")
    numbers = [circles.org(admin, slug) for slug in ("c", "a", "b")]
    for slug in ("z", "y"):
        circles.team(admin, numbers[0], slug)
    first = admin.get("/api/orgs?limit=2")
    assert circles.names(first, "organizations", "slug") == ["a", "b"]
    assert (first.json["total"], first.json["total_is_exact"]) == (3, True)
    rest = admin.get("/api/orgs", query_string={"limit": 2, "cursor": first.json["next"]})
    assert circles.names(rest, "organizations", "slug") == ["c"]
    assert rest.json["next"] is None
    assert rest.json["organizations"][0]["team_count"] == 2
    assert circles.names(admin.get("/api/orgs?offset=2"), "organizations", "slug") == ["c"]
    teams = admin.get(f"/api/orgs/{numbers[0]}/teams?limit=1")
    assert circles.names(teams, "teams", "slug") == ["y"]


def test_whoever_is_no_administrator_sees_the_own_organisation_only(
    as_user: Callable[..., Any],
) -> None:
    admin, lead = as_user("admin"), as_user("lead")
    mine, other = circles.org(admin, "mine"), circles.org(admin, "other")
    theirs = circles.team(admin, other)
    assert lead.get("/api/orgs").json["organizations"] == []
    circles.join(admin, mine, lead)
    assert circles.names(lead.get("/api/orgs"), "organizations", "slug") == ["mine"]
    assert lead.get("/api/orgs").json["total"] == 1
    for path in ("", "/teams", f"/teams/{theirs}", "/members", f"/teams/{theirs}/members"):
        hidden = lead.get(f"/api/orgs/{other}{path}")
        missing = lead.get(f"/api/orgs/999{path}")
        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.json["detail"] == missing.json["detail"].replace("999", str(other))
        assert hidden.json["code"] == missing.json["code"] == "org_not_found"
    assert lead.post(f"/api/orgs/{other}/teams", json={"name": "x", "slug": "x"}).status_code == 404
    # A team is found in its own organisation only.
    assert admin.get(f"/api/orgs/{mine}/teams/{theirs}").json["code"] == "team_not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/orgs", "lead"),
        ("POST", "/api/orgs", "admin"),
        ("GET", "/api/orgs/1", "lead"),
        ("PATCH", "/api/orgs/1", "admin"),
        ("DELETE", "/api/orgs/1", "admin"),
        ("GET", "/api/orgs/1/members", "lead"),
        ("POST", "/api/orgs/1/members/1", "admin"),
        ("DELETE", "/api/orgs/1/members/1", "admin"),
        ("GET", "/api/orgs/1/teams", "lead"),
        ("POST", "/api/orgs/1/teams", "lead"),
        ("GET", "/api/orgs/1/teams/1", "lead"),
        ("PATCH", "/api/orgs/1/teams/1", "lead"),
        ("DELETE", "/api/orgs/1/teams/1", "admin"),
        ("GET", "/api/orgs/1/teams/1/members", "lead"),
        ("POST", "/api/orgs/1/teams/1/members", "lead"),
        ("PATCH", "/api/orgs/1/teams/1/members/1", "lead"),
        ("DELETE", "/api/orgs/1/teams/1/members/1", "lead"),
    ],
)
def test_the_guides_levels_open_each_call(
    as_user: Callable[..., Any], method: str, path: str, allowed: str
) -> None:
    admin, lead, researcher = as_user("admin"), as_user("lead"), as_user("researcher")
    number = circles.org(admin)
    team = circles.team(admin, number)
    for who in (lead, researcher):
        circles.join(admin, number, who, team, "admin")
    assert researcher.open(path, method=method, json={}).status_code == 403
    refused = lead.open(path, method=method, json={}).status_code == 403
    assert refused is (allowed == "admin")


def test_a_lead_who_makes_a_team_is_its_admin(as_user: Callable[..., Any]) -> None:
    admin, lead, other = as_user("admin"), as_user("lead"), as_user("lead")
    number = circles.org(admin)
    for who in (lead, other):
        circles.join(admin, number, who)
    team = circles.team(lead, number)
    (member,) = lead.get(f"/api/orgs/{number}/teams/{team}/members").json["members"]
    assert (member["user_id"], member["role"]) == (circles.number_of(lead), "admin")
    one = f"/api/orgs/{number}/teams/{team}"
    assert lead.patch(one, json={"name": "Seeing"}).status_code == 200
    refused = other.patch(one, json={"name": "Blind"})
    assert (refused.status_code, refused.json["code"]) == (403, "team_role_too_low")
    assert "you are not in it" in refused.json["detail"]
    assert lead.delete(one).status_code == 403, "deleting takes team.delete as well"
    assert admin.delete(one).status_code == 200


def test_every_change_is_one_event_with_before_and_after(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    admin = as_user("admin", "root")
    number = circles.org(admin)
    team = circles.team(admin, number)
    one = f"/api/orgs/{number}/teams/{team}"
    for path in (f"/api/orgs/{number}", one):
        admin.patch(path, json={"name": "New", "is_active": True})
        admin.patch(path, json={"name": "New"})  # no change, no event
    circles.join(admin, number, admin, team)
    for path in (one, f"/api/orgs/{number}"):
        assert admin.delete(path).status_code == 200
    told = facts(app, "org.") + facts(app, "team.")
    assert [event.name for event in told] == [
        f"{kind}.{what}" for kind in ("org", "team") for what in ("created", "updated", "deleted")
    ]
    made, changed, gone = told[:3]
    assert (made.before, made.after["slug"], made.actor_name) == (None, "lab", "root")
    assert (changed.before, changed.after) == ({"name": "Lab"}, {"name": "New"})
    assert gone.before == {"name": "New", "slug": "lab", "teams": [], "members": ["root"]}
    assert told[5].before == {"name": "New", "slug": "vision", "members": ["root"]}
    assert {(event.subject_type, event.org_id) for event in told} == {
        ("org", number),
        ("team", number),
    }


def test_facts_about_an_organisation_stay_in_it(as_user: Callable[..., Any]) -> None:
    admin, mine, theirs = as_user("admin"), as_user("lead"), as_user("lead")
    one, two = circles.org(admin, "one"), circles.org(admin, "two")
    circles.join(admin, one, mine)
    circles.join(admin, two, theirs)
    heard = circles.names(mine.get("/api/events/recent"), "events", "subject_id")
    assert set(heard) == {str(one)}
    assert {str(one), str(two)} <= set(
        circles.names(admin.get("/api/events/recent"), "events", "subject_id")
    )


@pytest.mark.parametrize("what", ["org", "team"])
def test_deleting_loses_no_job(
    app: Flask, as_user: Callable[..., Any], what: str, run_services_once: Callable[..., None]
) -> None:
    admin, rita, lead = as_user("admin"), as_user("researcher"), as_user("lead")
    number = circles.org(admin)
    team = circles.team(admin, number)
    circles.join(admin, number, rita, team)
    circles.join(admin, number, lead)
    body = {"trainer": "fake_trainer", "config": {"steps": 1}}
    running = rita.post("/api/cloud/never/submit", json=body).json["job_id"]
    run_services_once("dispatch")
    waiting = rita.post("/api/cloud/never/submit", json=body).json["job_id"]
    path = f"/api/orgs/{number}" + (f"/teams/{team}" if what == "team" else "")
    assert "2 jobs stay" in admin.delete(path).json["message"]
    for client in (rita, admin):
        told = {job["job_id"]: job for job in client.get("/api/cloud/jobs").json["jobs"]}
        assert set(told) == {running, waiting}
        assert {job["team_id"] for job in told.values()} == {None}
    assert told[running]["status"] == "running"
    kept = number if what == "team" else None
    assert {job["org_id"] for job in told.values()} == {kept}
    with app.app_context():
        assert len(list(db.session.scalars(select(Job)))) == 2
    assert rita.post(f"/api/cloud/jobs/{waiting}/cancel").status_code == 200


def test_what_is_not_active_takes_no_new_jobs_and_keeps_the_old(
    as_user: Callable[..., Any],
) -> None:
    admin, rita = as_user("admin"), as_user("researcher")
    number = circles.org(admin)
    team = circles.team(admin, number)
    circles.join(admin, number, rita, team)
    body = {"trainer": "fake_trainer", "config": {"steps": 1}}
    old = rita.post("/api/cloud/never/submit", json=body).json["job_id"]
    admin.patch(f"/api/orgs/{number}/teams/{team}", json={"is_active": False})
    without = rita.post("/api/cloud/never/submit", json=body).json["job_id"]
    assert rita.get(f"/api/cloud/jobs/{without}").json["team_id"] is None
    named = rita.post("/api/cloud/never/submit", json=body | {"team_id": team})
    assert (named.status_code, named.json["errors"][0]["path"]) == (422, "team_id")
    admin.patch(f"/api/orgs/{number}", json={"is_active": False})
    refused = rita.post("/api/cloud/never/submit", json=body)
    assert (refused.status_code, refused.json["code"]) == (403, "organization_inactive")
    asked = rita.post("/api/cloud/jobs/dry-run?provider=never", json=body)
    assert asked.json["status"] == "would_refuse"
    assert rita.get(f"/api/cloud/jobs/{old}").json["team_id"] == team
    assert rita.post(f"/api/cloud/jobs/{old}/cancel").status_code == 200
    assert rita.post(f"/api/cloud/jobs/{old}/retry").status_code == 403
