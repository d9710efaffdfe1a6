"""Who sees which job: in SQL, in Python and in every answer the same, and what may not be seen is
not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from sqlalchemy import select

from st_core.api.routing import declared_for
from st_core.app import BUNDLED
from st_core.contracts import Viewer
from st_core.db import db, unit_of_work
from st_core.models import Event, Job, PermissionOverride
from st_core.services import events, jobs, overview, queue
from st_core.testing import people
from tests.core import circles, worlds, zoo_jobs
from tests.core.test_streams import Ear, live
from tests.core.worlds import World
from tests.exam import Exam

BODY = {"trainer": "fake_trainer", "config": {"steps": 1}}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app with the zoo, and live events without any service beside them."""
    return live(make_app(plugins=["zoo"]))


def submit(client: Any, **body: Any) -> str:
    answer = client.post("/api/cloud/never/submit", json=BODY | body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.json["job_id"])


def grant(app: Flask, client: Any, **rights: bool) -> None:
    """Override rights of whoever `client` acts as; `__` stands for the dot."""
    user_id = circles.number_of(client)
    with app.app_context(), unit_of_work() as session:
        for right, granted in rights.items():
            name = right.replace("__", ".")
            session.merge(PermissionOverride(user_id=user_id, permission=name, granted=granted))


# ── one rule, many answers ────────────────────────────────────────────────────────────────────────


def test_sql_python_and_every_answer_agree_with_the_guide_in_any_world(
    app: Flask, database: Any, exam: Exam
) -> None:
    user_ids = [
        people.make_user(app, "admin", f"person-{number}") for number in range(worlds.MOST_PEOPLE)
    ]
    clients = [people.client_of(app, user_id) for user_id in user_ids]
    compared = {True: 0, False: 0}

    @settings(
        max_examples=exam.count("worlds", 16, 400), deadline=None, database=None, derandomize=True
    )
    @given(worlds.worlds())
    def agree(world: World) -> None:
        with app.app_context():
            start = events.head()
        there = worlds.build(app, user_ids, world)
        for number, person in enumerate(world.people):
            seen = {i for i, job in there.items() if worlds.may_see(number, person, job)}
            queued = {i for i, job in there.items() if worlds.may_see_queued(number, person, job)}
            viewer = people.viewer_of(app, user_ids[number])
            in_services(app, viewer, there, start, seen, queued)
            over_http(clients[number], viewer, there, start, seen, queued)
            for job_id in there:
                compared[job_id in seen] += 1

    agree()
    assert min(compared.values()) > 30, compared


def in_services(
    app: Flask,
    viewer: Viewer,
    there: dict[int, worlds.Submitted],
    start: int,
    seen: set[int],
    queued: set[int],
) -> None:
    with app.app_context():
        assert set(db.session.scalars(select(Job.id).where(jobs.visible_to(viewer)))) == seen
        rows = db.session.scalars(select(Job).where(Job.id.in_(there)))
        assert {job.id for job in rows if jobs.sees(viewer, job)} == seen
        waits = {i for i in seen if there[i].state.value == "queued"}
        assert overview.counts(viewer).queued == len(waits)
        shown = {entry.job.id for entry in queue.entries(viewer, queue.states_for(None))}
        assert shown == {i for i in queued if not there[i].state.is_final}
        of_jobs = Event.id > start, Event.job_id.is_not(None)
        facts = list(db.session.scalars(select(Event).where(*of_jobs)))
        assert {fact.job_id for fact in facts if events.sees(viewer, fact)} == seen
        assert {fact.job_id for fact in events.since(viewer, start) if fact.job_id} == seen
        last = max((fact.id for fact in facts if fact.job_id in seen), default=start)
    with Ear(app, viewer, start) as ear:
        heard = ear.read_to(last) if seen else []
        assert {each.data["job_id"] for each in heard} - {None} == {str(i) for i in seen}


def over_http(
    client: Any,
    viewer: Viewer,
    there: dict[int, worlds.Submitted],
    start: int,
    seen: set[int],
    queued: set[int],
) -> None:
    told = client.get(f"/api/events/recent?after={start}")
    assert set(circles.names(told, "events", "job_id")) - {None} == {str(i) for i in seen}
    lists = client.get("/api/cloud/jobs")
    if not any(map(viewer.may, ("job.view.own", "job.view.all"))):
        assert lists.status_code == 403
        return
    assert {int(i) for i in circles.names(lists, "jobs", "job_id")} == seen
    assert lists.json["total"] == len(seen)
    answers = {i: client.get(f"/api/cloud/jobs/{i}").status_code for i in there}
    assert answers == {i: 200 if i in seen else 404 for i in there}
    if viewer.may("queue.view"):
        numbers = client.get("/api/queue/stats").json
        waiting = [i for i in queued if there[i].state.value == "queued"]
        assert numbers["queue_depth"] == len(waiting)
        assert sum(numbers["by_user"].values()) in (0, len(waiting))


# ── what may not be seen is not there ─────────────────────────────────────────────────────────────

NUMBER = 987654
#: What those routes must be sent that want a body.
BODIES = {"priority": {"priority": 5}, "reject": {"reason": "no"}}


def calls_about_a_job(app: Flask) -> list[tuple[str, str]]:
    """Return method and path of every route that names a job."""
    with app.app_context():
        return [
            (method, rule.rule)
            for rule in app.url_map.iter_rules()
            if "<job_id>" in rule.rule and (declared := declared_for(rule.endpoint))
            for method in declared.methods
        ]


def test_a_job_that_may_not_be_seen_answers_as_one_that_is_not_there(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=[*BUNDLED, "zoo"])
    admin, lead, rita = (
        people.client_of(app, people.make_user(app, level))
        for level in ("admin", "lead", "researcher")
    )
    circles.join(admin, circles.org(admin), lead)
    hidden = submit(rita)
    grant(app, lead, job__cancel__all=True, job__delete__all=True, queue__manage=True)
    grant(app, lead, queue__cancel__all=True)
    calls = calls_about_a_job(app)
    assert len(calls) > 25
    for method, rule in calls:
        path = re.sub(r"<path:[^>]*>|<[^>]*path>", "x.txt", rule)
        answers = [
            lead.open(
                path.replace("<job_id>", job_id),
                method=method,
                json=BODIES.get(rule.rsplit("/", 1)[1]),
                headers={"X-Request-ID": "the-same-one"},
            )
            for job_id in (hidden, str(NUMBER))
        ]
        found, missing = (answer.get_data(as_text=True) for answer in answers)
        assert [answer.status_code for answer in answers] == [404, 404], (method, rule)
        assert same(found, hidden) == same(missing, str(NUMBER)), (method, rule)
    assert rita.get(f"/api/cloud/jobs/{hidden}").json["status"] == "queued"


def same(text: str, number: str) -> str:
    """Return an answer without what differs between any two requests."""
    text = re.sub(r'"request_id": ?"[^"]*"|nonce="[^"]*"|<time[^>]*>[^<]*', "", text)
    return re.sub(rf"(?<![0-9a-f]){number}(?![0-9a-f])", "N", text)


@pytest.mark.parametrize("level", ["lead", "researcher"])
def test_a_hidden_job_is_nowhere_in_lists_searches_numbers_and_streams(
    app: Flask, as_user: Callable[..., Any], level: str
) -> None:
    admin, other, rita = as_user("admin"), as_user(level), as_user("researcher", "rita-the-first")
    circles.join(admin, circles.org(admin), other)
    hidden = submit(rita, name="the secret name", config_name="secret-config")
    for path in (
        "/api/cloud/jobs",
        "/api/cloud/jobs?q=secret",
        f"/api/cloud/jobs?q={hidden}",
        "/api/cloud/jobs?q=rita",
        "/api/cloud/jobs?user=3",
        "/api/queue",
        "/api/queue/stats",
        "/api/events/recent",
        "/api/system/status?include_allocation=true",
        "/jobs",
        "/queue",
        "/system",
    ):
        answer = other.get(path)
        assert answer.status_code == 200, path
        text = answer.get_data(as_text=True)
        assert not re.search("secret|rita", text), path
    assert other.get("/api/cloud/jobs").json["total"] == 0
    told = other.get("/api/queue/stats").json
    assert (told["queue_depth"], told["by_user"]) == (0, {})
    assert other.get(f"/api/events?job_id={hidden}").status_code == 404


def test_a_made_up_cursor_tells_nothing_of_a_hidden_job(as_user: Callable[..., Any]) -> None:
    from base64 import urlsafe_b64encode

    rita, rob = as_user("researcher"), as_user("researcher")
    hidden = submit(rita, name="m")
    for name in ("a", "z"):
        submit(rob, name=name)
    cursors = (urlsafe_b64encode(f"[0, {number}]".encode()).decode() for number in (hidden, NUMBER))
    found = [
        rob.get("/api/cloud/jobs", query_string={"sort": "name", "cursor": cursor}).json["jobs"]
        for cursor in cursors
    ]
    assert found == [[], []]


def test_nobody_starts_from_a_checkpoint_they_may_not_see(
    as_user: Callable[..., Any], run_job: Callable[..., str]
) -> None:
    hidden, rob = run_job(), as_user("researcher")
    for number in (hidden, str(NUMBER)):
        refused = rob.post("/api/cloud/never/submit", json=BODY | {"start_from_job_id": number})
        assert (refused.status_code, refused.json["code"]) == (404, "job_not_found")
        assert rob.post(f"/api/cloud/jobs/{number}/retry").json["code"] == "job_not_found"
        assert rob.get(f"/jobs/new?again={number}").status_code == 404
        diff = rob.get(f"/api/cloud/jobs/{submit(rob)}/config/diff?against={number}")
        assert diff.status_code == 404


def test_a_retry_that_begins_at_another_jobs_checkpoint_needs_to_see_that_job(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    rita, rob = as_user("researcher"), as_user("researcher")
    hidden, mine = submit(rita), submit(rob)
    rob.post(f"/api/cloud/jobs/{mine}/cancel")
    zoo_jobs.change(app, int(mine), start_from_job_id=int(hidden))
    assert rob.post(f"/api/cloud/jobs/{mine}/retry").status_code == 404
    zoo_jobs.change(app, int(mine), start_from_job_id=None)
    assert rob.post(f"/api/cloud/jobs/{mine}/retry").status_code == 200


# ── what may be done ──────────────────────────────────────────────────────────────────────────────


def test_a_team_member_sees_the_teams_jobs_and_ends_only_own_ones(
    as_user: Callable[..., Any],
) -> None:
    admin, rita, rob = as_user("admin"), as_user("researcher"), as_user("researcher")
    lab = circles.org(admin)
    team = circles.team(admin, lab)
    for who in (rita, rob):
        circles.join(admin, lab, who, team)
    job = submit(rita)
    assert circles.names(rob.get("/api/cloud/jobs"), "jobs", "job_id") == [job]
    assert circles.names(rob.get("/api/queue"), "entries", "job_id") == [job]
    assert rob.get(f"/jobs/{job}").status_code == 200
    assert "Cancel job" not in rob.get(f"/jobs/{job}").get_data(as_text=True)
    for path in (f"/api/cloud/jobs/{job}/cancel", f"/api/queue/{job}/cancel"):
        assert rob.post(path).status_code == 403
    assert rob.delete(f"/api/cloud/jobs/{job}").status_code == 403
    assert rob.post(f"/api/cloud/jobs/{job}/retry").status_code == 403
    ended = rob.post("/api/cloud/jobs/cancel", json={"all": True}).json
    assert ended["results"] == []
    (one,) = rob.post("/api/cloud/jobs/cancel", json={"job_ids": [job]}).json["results"]
    assert one["success"] is False
    assert rita.post(f"/api/cloud/jobs/{job}/cancel").status_code == 200


def test_high_priority_is_for_own_and_team_jobs(as_user: Callable[..., Any]) -> None:
    admin, lead, rita, rob = (
        as_user(level) for level in ("admin", "lead", "researcher", "researcher")
    )
    lab = circles.org(admin)
    team = circles.team(admin, lab)
    for who, place in ((lead, team), (rita, team), (rob, None)):
        circles.join(admin, lab, who, place)
    of_team, of_org, own = submit(rita), submit(rob), submit(lead)
    statuses = {
        job: lead.post(f"/api/queue/{job}/priority", json={"priority": 20}).status_code
        for job in (own, of_team, of_org)
    }
    assert statuses == {own: 200, of_team: 200, of_org: 403}
    moves = re.findall(r'data-priority="(\d+)"', lead.get("/queue").get_data(as_text=True))
    assert sorted(moves) == sorted([own, of_team])


def test_a_right_to_all_ends_at_the_own_organisation(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    admin, lead, near, far, alone = (
        as_user(level) for level in ("admin", "lead", "researcher", "researcher", "researcher")
    )
    lab, other = circles.org(admin, "lab"), circles.org(admin, "other")
    for who, place in ((lead, lab), (near, lab), (far, other)):
        circles.join(admin, place, who)
    grant(app, lead, job__cancel__all=True, queue__manage=True)
    here, there, nowhere = submit(near), submit(far), submit(alone)
    assert circles.names(lead.get("/api/cloud/jobs"), "jobs", "job_id") == [here]
    assert circles.names(admin.get("/api/cloud/jobs"), "jobs", "job_id") == [nowhere, there, here]
    assert lead.get(f"/api/queue/user/{circles.number_of(far)}").json["pending_count"] == 0
    ended = lead.post("/api/cloud/jobs/cancel", json={"all": True}).json
    assert [one["job_id"] for one in ended["results"]] == [here]
    results = lead.post("/api/cloud/jobs/cancel", json={"job_ids": [there, str(NUMBER)]}).json
    told = {one["error"].replace(one["job_id"], "N") for one in results["results"]}
    assert told == {"there is no job N that you can see"}
    assert lead.post("/api/queue/process").json["job_ids"] == []
    assert admin.get(f"/api/cloud/jobs/{there}").json["status"] in ("starting", "running")


def test_clean_up_by_somebody_of_an_organisation_stays_in_it(
    app: Flask, as_user: Callable[..., Any], clock: Any
) -> None:
    admin, lead, near, far = (
        as_user(level) for level in ("admin", "lead", "researcher", "researcher")
    )
    lab, other = circles.org(admin, "lab"), circles.org(admin, "other")
    for who, place in ((lead, lab), (near, lab), (far, other)):
        circles.join(admin, place, who)
    grant(app, lead, queue__manage=True)
    for who in (near, far):
        who.post(f"/api/cloud/jobs/{submit(who)}/cancel")
    clock.advance(days=40)
    assert lead.post("/api/queue/cleanup").json["deleted"] == 1
    assert admin.post("/api/queue/cleanup").json["deleted"] == 1


def test_an_admin_with_a_narrow_key_is_still_an_admin_for_what_the_key_holds(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    from st_core.services import users

    admin, rita = as_user("admin"), as_user("researcher")
    lab, other = circles.org(admin, "lab"), circles.org(admin, "other")
    number = circles.join(admin, lab, admin)
    circles.join(admin, other, rita)
    job = int(submit(rita))
    with app.app_context():
        person = users.viewer_of(
            users.get(number), "api_key", scopes=["job.view.all", "queue.view"]
        )
        assert jobs.get(person, job).id == job
        assert [fact.job_id for fact in events.recent(person, 1)] == [job]
        mine = users.viewer_of(users.get(number), "api_key", scopes=["job.view.own"])
        assert db.session.scalar(select(Job.id).where(jobs.visible_to(mine))) is None


def test_what_the_machine_tells_about_itself_is_for_administrators(
    as_user: Callable[..., Any],
) -> None:
    for level in ("viewer", "researcher", "lead", "admin"):
        who = as_user(level)
        told = who.get("/api/system/status").json["state_dir"]
        assert (told is not None) is (level == "admin")
        page = who.get("/system").get_data(as_text=True)
        assert ("work beside requests" in page) is (level == "admin")


# ── configs ───────────────────────────────────────────────────────────────────────────────────────


def make_config(client: Any, name: str) -> None:
    body = {"name": name, "trainer": "fake_trainer", "data": {"steps": 1}}
    assert client.post("/api/configs", json=body).status_code == 201


@pytest.mark.parametrize("level", ["viewer", "researcher", "lead", "admin"])
def test_the_levels_rights_to_configs_are_in_force(as_user: Callable[..., Any], level: str) -> None:
    owner, who = as_user("researcher"), as_user(level)
    make_config(owner, "theirs")
    save = {"data": {"steps": 2}}
    theirs = {
        "see": who.get("/api/configs/theirs").status_code,
        "export": who.get("/api/configs/theirs/export").status_code,
        "edit": who.put("/api/configs/theirs", json=save).status_code,
        "rename": who.patch("/api/configs/theirs", json={"description": "x"}).status_code,
        "restore": who.post("/api/configs/theirs/revisions/1/restore", json={}).status_code,
    }
    all_of_it = 200 if level == "admin" else 403
    assert theirs == {
        "see": 200,
        "export": 200,
        "edit": all_of_it,
        "rename": all_of_it,
        "restore": all_of_it,
    }
    page = who.get("/configs/theirs").get_data(as_text=True)
    assert ("Delete config" in page) is (level == "admin")
    listed = who.get("/configs").get_data(as_text=True)
    assert ("Make a config" in listed) is (level != "viewer")
    create = {"name": "own", "trainer": "fake_trainer", "data": {"steps": 1}}
    made = who.post("/api/configs", json=create).status_code
    assert made == (403 if level == "viewer" else 201)
    imported = who.post("/api/configs/import", json={**create, "name": "brought"}).status_code
    assert imported == made
    assert who.delete("/api/configs/theirs").status_code == all_of_it
    if level != "viewer":
        assert who.put("/api/configs/own", json=save).status_code == 200
        assert who.delete("/api/configs/own").status_code == 200


def test_an_import_that_would_touch_somebody_elses_config_stores_nothing(
    as_user: Callable[..., Any],
) -> None:
    import io
    import json
    import zipfile

    owner, who = as_user("researcher"), as_user("researcher")
    make_config(owner, "theirs")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("aaa", "theirs"):
            archive.writestr(f"{name}.json", json.dumps({"steps": 5}))
    path = "/api/configs/import?overwrite=true&trainer=fake_trainer"
    answer = who.post(path, data=packed.getvalue(), content_type="application/zip")
    assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")
    assert circles.names(who.get("/api/configs"), "configs", "name") == ["theirs"]
    assert who.get("/api/configs/theirs").json["revision"] == 1


def test_a_right_to_all_configs_ends_at_the_own_organisation(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    admin, lead, near, far = (
        as_user(level) for level in ("admin", "lead", "researcher", "researcher")
    )
    lab, other = circles.org(admin, "lab"), circles.org(admin, "other")
    for who, place in ((lead, lab), (near, lab), (far, other)):
        circles.join(admin, place, who)
    grant(app, lead, config__edit__all=True, config__delete__all=True)
    for who, name in ((near, "near"), (far, "far")):
        make_config(who, name)
    save = {"data": {"steps": 2}}
    assert lead.put("/api/configs/near", json=save).status_code == 200
    assert lead.put("/api/configs/far", json=save).status_code == 403
    assert lead.delete("/api/configs/far").status_code == 403
    assert admin.put("/api/configs/far", json=save).status_code == 200


def test_without_the_right_to_see_configs_none_is_seen_or_submitted(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    admin, rita = as_user("admin"), as_user("researcher")
    make_config(admin, "hidden")
    grant(app, rita, config__view=False)
    for path in ("/api/configs", "/api/configs/hidden", "/api/configs/nothing", "/configs"):
        assert rita.get(path).status_code == 403
    answers = [
        rita.post("/api/cloud/never/submit", json={"config_name_to_load": name})
        for name in ("hidden", "nothing")
    ]
    assert {answer.status_code for answer in answers} == {403}
