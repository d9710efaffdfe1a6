"""Members: joining and leaving, roles in a team, and which team a job belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import Conflict
from st_core.models import Event, Membership
from st_core.services import members, orgs
from tests.core import circles, zoo_jobs

BODY = {"trainer": "fake_trainer", "config": {"steps": 1}}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app with the zoo."""
    return make_app(plugins=["zoo"])


@pytest.fixture
def admin(as_user: Callable[..., Any]) -> Any:
    """An administrator's client."""
    return as_user("admin", "root")


@pytest.fixture
def lab(admin: Any) -> int:
    """An organisation."""
    return circles.org(admin)


@pytest.fixture
def vision(admin: Any, lab: int) -> str:
    """The path of a team of the organisation."""
    return f"/api/orgs/{lab}/teams/{circles.team(admin, lab)}"


def facts(app: Flask) -> list[Event]:
    with app.app_context():
        query = select(Event).where(Event.name.startswith("member.")).order_by(Event.id)
        return list(db.session.scalars(query))


def role_of(client: Any, team: str, user_id: int) -> str | None:
    rows = client.get(f"{team}/members").json["members"]
    return next((row["role"] for row in rows if row["user_id"] == user_id), None)


def test_joining_and_leaving_an_organisation(
    app: Flask, admin: Any, lab: int, as_user: Callable[..., Any]
) -> None:
    rita = as_user("researcher", "rita")
    number = circles.join(admin, lab, rita)
    again = admin.post(f"/api/orgs/{lab}/members/{number}")
    assert (again.status_code, again.json["code"]) == (409, "duplicate")
    assert again.json["detail"] == "rita is in Lab already"
    (row,) = admin.get(f"/api/orgs/{lab}/members").json["members"]
    assert (row["username"], row["role"], row["teams"]) == ("rita", "member", [])
    assert admin.delete(f"/api/orgs/{lab}/members/{number}").json["success"] is True
    gone = admin.delete(f"/api/orgs/{lab}/members/{number}")
    assert (gone.status_code, gone.json["code"]) == (404, "member_not_found")
    unknown = admin.post(f"/api/orgs/{lab}/members/9999")
    assert (unknown.status_code, unknown.json["code"]) == (404, "user_not_found")
    assert [event.name for event in facts(app)] == ["member.added", "member.removed"]


def test_whoever_joins_a_team_joins_its_organisation(
    app: Flask, admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    rita = as_user("researcher", "rita")
    answer = admin.post(f"{vision}/members", json={"user_id": circles.number_of(rita)})
    assert answer.json["member"]["role"] == "member", "when nothing is said"
    (row,) = admin.get(f"/api/orgs/{lab}/members").json["members"]
    assert [(team["slug"], team["role"]) for team in row["teams"]] == [("vision", "member")]
    (event,) = facts(app)
    assert event.after == {"user": "rita", "team": "vision", "role": "member", "joined_org": True}
    again = admin.post(f"{vision}/members", json={"user_id": circles.number_of(rita)})
    assert (again.status_code, again.json["code"]) == (409, "duplicate")


def test_whoever_leaves_the_organisation_leaves_its_teams(
    app: Flask, admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    rita = as_user("researcher", "rita")
    nlp = circles.team(admin, lab, "nlp")
    circles.join(admin, lab, rita, nlp, "lead")
    number = circles.join(admin, lab, rita, int(vision.rsplit("/", 1)[1]))
    job = rita.post("/api/cloud/never/submit", json=BODY).json["job_id"]
    admin.delete(f"/api/orgs/{lab}/members/{number}")
    assert admin.get(f"{vision}/members").json["members"] == []
    with app.app_context():
        assert list(db.session.scalars(select(Membership))) == []
    assert facts(app)[-1].before == {
        "user": "rita",
        "organization": "lab",
        "teams": {"nlp": "lead", "vision": "member"},
    }
    told = rita.get(f"/api/cloud/jobs/{job}").json
    assert (told["org_id"], told["team_id"]) == (lab, nlp), "a job stays where it was submitted for"


def test_nobody_is_in_two_organisations(
    admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    rita, lead = as_user("researcher", "rita"), as_user("lead")
    circles.join(admin, lab, lead, int(vision.rsplit("/", 1)[1]), "admin")
    other = circles.org(admin, "secret-lab")
    number = circles.join(admin, other, rita)
    for client, path, body in (
        (admin, f"/api/orgs/{lab}/members/{number}", None),
        (admin, f"{vision}/members", {"user_id": number}),
        (lead, f"{vision}/members", {"user_id": number}),
    ):
        refused = client.post(path, json=body)
        assert (refused.status_code, refused.json["code"]) == (409, "in_another_organization")
        assert ("Secret-Lab" in refused.json["detail"]) is (client is admin)


def test_of_many_that_place_one_person_at_once_one_succeeds(
    make_app: Callable[..., Flask], database: Any
) -> None:
    from st_core.testing import people

    app = make_app(plugins=["zoo"])
    root = people.viewer_of(app, people.make_user(app, "admin"))
    rita = people.make_user(app, "researcher")
    with app.app_context():
        places = [orgs.create(root, f"Lab {n}", f"lab-{n}").id for n in range(4)]

    def place(org_id: int) -> Callable[[], Any]:
        def join() -> Any:
            with app.app_context():
                return members.join_org(root, org_id, rita)

        return join

    ends = zoo_jobs.at_once([place(org_id) for org_id in places])
    assert [type(end) for end in ends if isinstance(end, Exception)] == [Conflict] * 3
    with app.app_context():
        assert len(list(db.session.scalars(select(Membership)))) == 1


# ── roles ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (None, set()),
        ("member", set()),
        ("lead", {"add member", "remove member"}),
        (
            "admin",
            {f"{what} {role}" for what in ("add", "remove") for role in ("member", "lead", "admin")}
            | {"promote", "edit"},
        ),
    ],
)
def test_the_role_says_what_a_lead_may_do_in_a_team(
    admin: Any,
    lab: int,
    vision: str,
    as_user: Callable[..., Any],
    role: str | None,
    may: set[str],
) -> None:
    actor = as_user("lead")
    team = int(vision.rsplit("/", 1)[1])
    circles.join(admin, lab, actor, team if role else None, role or "")
    done = set()

    def tried(what: str, answer: Any) -> None:
        if answer.status_code in (200, 201):
            done.add(what)
        else:
            assert (answer.status_code, answer.json["code"]) == (403, "team_role_too_low")

    for given in ("member", "lead", "admin"):
        fresh = circles.number_of(as_user("researcher"))
        body = {"user_id": fresh, "role": given}
        tried(f"add {given}", actor.post(f"{vision}/members", json=body))
        there = circles.join(admin, lab, as_user("researcher"), team, given)
        tried(f"remove {given}", actor.delete(f"{vision}/members/{there}"))
    plain = circles.join(admin, lab, as_user("researcher"), team)
    tried("promote", actor.patch(f"{vision}/members/{plain}", json={"role": "lead"}))
    tried("edit", actor.patch(vision, json={"description": role or "none"}))
    assert done == may


def test_an_administrator_and_an_organisations_manager_need_no_role(
    app: Flask, admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    from st_core.db import unit_of_work
    from st_core.models import PermissionOverride

    manager, rita = as_user("lead"), as_user("researcher")
    number = circles.join(admin, lab, manager)
    with app.app_context(), unit_of_work() as session:
        session.add(PermissionOverride(user_id=number, permission="org.manage.members"))
    for client in (manager, admin):
        user_id = circles.join(client, lab, rita, int(vision.rsplit("/", 1)[1]), "admin")
        changed = client.patch(
            f"{vision}/members/{user_id}", json={"role": "lead", "user_id": user_id}
        )
        assert changed.json["member"]["role"] == "lead"
        assert client.delete(f"{vision}/members/{user_id}").status_code == 200


def test_a_role_is_changed_once_and_told_once(
    app: Flask, admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    number = circles.join(admin, lab, as_user("researcher", "rita"), int(vision.rsplit("/", 1)[1]))
    one = f"{vision}/members/{number}"
    for _ in range(2):
        assert admin.patch(one, json={"role": "lead"}).status_code == 200
    assert role_of(admin, vision, number) == "lead"
    (event,) = (event for event in facts(app) if event.name == "member.changed")
    assert (event.before["role"], event.after["role"]) == ("member", "lead")
    assert admin.patch(one, json={"role": "boss"}).status_code == 422
    assert admin.patch(one, json={"role": "lead", "user_id": number + 1}).status_code == 422
    stranger = admin.patch(f"{vision}/members/9999", json={"role": "lead"})
    assert (stranger.status_code, stranger.json["code"]) == (404, "member_not_found")


def test_members_come_in_pages_by_name(
    admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    for name in ("zoe", "adam", "mia"):
        circles.join(admin, lab, as_user("viewer", name), int(vision.rsplit("/", 1)[1]))
    for path in (f"/api/orgs/{lab}/members", f"{vision}/members"):
        first = admin.get(f"{path}?limit=2")
        assert circles.names(first) == ["adam", "mia"]
        assert first.json["total"] == 3
        rest = admin.get(path, query_string={"limit": 2, "cursor": first.json["next"]})
        assert circles.names(rest) == ["zoe"]


# ── which team a job is for ───────────────────────────────────────────────────────────────────────


def test_a_job_is_for_the_submitters_team_and_the_named_one_of_several(
    admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    rita = as_user("researcher", "rita")

    def place(**body: Any) -> tuple[int | None, int | None]:
        job = rita.post("/api/cloud/never/submit", json=BODY | body).json["job_id"]
        told = rita.get(f"/api/cloud/jobs/{job}").json
        return told["org_id"], told["team_id"]

    assert place() == (None, None)
    number = circles.join(admin, lab, rita)
    assert place() == (lab, None)
    nlp, audio = circles.team(admin, lab, "nlp"), circles.team(admin, lab, "audio")
    circles.join(admin, lab, rita, audio)
    assert place() == (lab, audio)
    circles.join(admin, lab, rita, nlp)
    assert place() == (lab, audio), "of several the one joined first"
    assert place(team_id=nlp) == (lab, nlp)
    for strange in (int(vision.rsplit("/", 1)[1]), 9999):
        refused = rita.post("/api/cloud/never/submit", json=BODY | {"team_id": strange})
        assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "team_id")
        assert refused.json["detail"].startswith(
            f"team_id: you are not a member of a team {strange}"
        )
    admin.delete(f"/api/orgs/{lab}/members/{number}")
    assert place() == (None, None)


def test_the_pages_offer_the_teams_and_tell_which_one_a_job_is_for(
    admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    rita = as_user("researcher", "rita")
    config = {"name": "mine", "trainer": "fake_trainer", "data": {"steps": 1}}
    rita.post("/api/configs", json=config)
    circles.join(admin, lab, rita, int(vision.rsplit("/", 1)[1]))
    assert 'name="team"' not in rita.get("/jobs/new").get_data(as_text=True), "there is no choice"
    nlp = circles.team(admin, lab, "nlp")
    circles.join(admin, lab, rita, nlp)
    form = rita.get("/jobs/new").get_data(as_text=True)
    assert f'<option value="{nlp}">Nlp</option>' in form
    job = rita.post("/api/cloud/never/submit", json=BODY | {"team_id": nlp}).json["job_id"]
    page = rita.get(f"/jobs/{job}").get_data(as_text=True)
    assert "Submitted for" in page
    assert "Nlp" in page


def test_a_membership_holds_from_the_next_request_on(
    app: Flask, admin: Any, lab: int, vision: str, as_user: Callable[..., Any]
) -> None:
    one, two = as_user("researcher"), as_user("researcher")
    team = int(vision.rsplit("/", 1)[1])
    circles.join(admin, lab, one, team)
    job = one.post("/api/cloud/never/submit", json=BODY).json["job_id"]
    assert two.get(f"/api/cloud/jobs/{job}").status_code == 404
    number = circles.join(admin, lab, two, team)
    assert two.get(f"/api/cloud/jobs/{job}").status_code == 200
    admin.delete(f"{vision}/members/{number}")
    assert two.get(f"/api/cloud/jobs/{job}").status_code == 404
    circles.join(admin, lab, two, team)
    assert two.get(f"/api/cloud/jobs/{job}").status_code == 200
    admin.delete(f"/api/orgs/{lab}")
    assert two.get(f"/api/cloud/jobs/{job}").status_code == 404


def test_a_viewer_knows_their_places(app: Flask, admin: Any, lab: int, vision: str) -> None:
    from st_core.testing import people

    number = circles.join(admin, lab, admin, int(vision.rsplit("/", 1)[1]))
    viewer: Viewer = people.viewer_of(app, number)
    assert (viewer.org_ids, viewer.team_ids) == ((lab,), (int(vision.rsplit("/", 1)[1]),))
    assert viewer.everywhere
