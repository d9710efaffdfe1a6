"""Levels, custom and the system's; and permission overrides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.db import db, unit_of_work
from st_core.models import AuthProvider, User
from st_core.services import level_grants, levels, overrides
from st_core.testing import people
from tests.core.identity import at_once, caused

AsUser = Callable[..., Any]
OPS = {"name": "ops", "priority": 25, "permission_names": ["job.view.all", "queue.view"]}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app without anything that is not needed."""
    return make_app(plugins=["zoo"])


@pytest.fixture
def admin(as_user: AsUser) -> Any:
    """The first administrator."""
    return as_user("admin", "root")


def level(admin: Any, name: str) -> dict[str, Any]:
    found = admin.get("/api/users/meta/levels").json["levels"]
    return next(each for each in found if each["name"] == name)


def test_the_four_levels_are_listed_with_the_guides_priorities(admin: Any) -> None:
    found = admin.get("/api/users/meta/levels").json["levels"]
    assert [(each["name"], each["priority"]) for each in found] == [
        ("viewer", 10),
        ("researcher", 20),
        ("lead", 30),
        ("admin", 100),
    ]
    assert found[0]["permissions"] == ["config.view", "job.view.own"]
    assert found[3]["permissions"] == ["*"]


def test_every_permission_is_listed_with_its_category(app: Flask, admin: Any) -> None:
    found = admin.get("/api/users/meta/permissions").json["permissions"]
    assert {each["name"] for each in found} == set(app.extensions["st"].permissions)
    assert all(each["name"].startswith(each["category"]) for each in found)


def test_a_custom_level_is_made_changed_and_deleted_with_one_event_each(
    database: Any, app: Flask, admin: Any
) -> None:
    (made,) = caused(app, lambda: admin.post("/api/users/levels", json=OPS))
    assert (made.name, made.after["permissions"]) == ("level.created", OPS["permission_names"])
    ops = level(admin, "ops")
    (changed,) = caused(
        app, lambda: admin.put(f"/api/users/levels/{ops['id']}", json={"priority": 26})
    )
    assert (changed.before, changed.after) == ({"priority": 25}, {"priority": 26})
    assert level(admin, "ops")["permissions"] == OPS["permission_names"]
    same = {"permission_names": OPS["permission_names"]}
    path = f"/api/users/levels/{ops['id']}/permissions"
    assert caused(app, lambda: admin.put(path, json=same)) == []
    (deleted,) = caused(app, lambda: admin.delete(f"/api/users/levels/{ops['id']}"))
    assert (deleted.name, deleted.before["name"]) == ("level.deleted", "ops")


def test_what_a_level_holds_changes_for_its_people_at_once(app: Flask, admin: Any) -> None:
    admin.post("/api/users/levels", json=OPS)
    ann = people.make_user(app, "viewer", "ann")
    client = people.client_of(app, ann)
    assert client.get("/api/queue").status_code == 403
    admin.post(f"/api/users/{ann}/levels", json={"level_name": "ops"})
    assert client.get("/api/queue").status_code == 200
    path = f"/api/users/levels/{level(admin, 'ops')['id']}"
    admin.put(f"{path}/permissions", json={"permission_names": ["job.view.all"]})
    assert client.get("/api/queue").status_code == 403
    admin.put(f"{path}/permissions", json={"permission_names": ["queue.view"]})
    assert client.get("/api/queue").status_code == 200
    admin.delete(path)
    assert client.get("/api/queue").status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "lead"}, 400, "duplicate"),
        ({"name": "x", "permission_names": ["job.sumbit"]}, 400, "unknown_permission"),
        ({"name": "x", "permission_names": ["*"]}, 400, "unknown_permission"),
        ({"name": "x", "priority": 1001}, 422, "validation_error"),
        ({"name": "not a name"}, 422, "validation_error"),
    ],
)
def test_a_level_that_cannot_be_is_refused(
    database: Any, admin: Any, body: dict[str, Any], status: int, code: str
) -> None:
    answer = admin.post("/api/users/levels", json=body)
    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("viewer", {"name": "guest"}),
        ("lead", {"priority": 5}),
        ("researcher", {"permission_names": ["config.view"]}),
        ("admin", {"permission_names": ["admin.users"]}),
        ("admin", {"name": "boss", "priority": 1}),
    ],
)
def test_a_system_level_keeps_name_priority_and_permissions(
    admin: Any, name: str, body: dict[str, Any]
) -> None:
    before = level(admin, name)
    answer = admin.put(f"/api/users/levels/{before['id']}", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "system_level")
    assert admin.delete(f"/api/users/levels/{before['id']}").json["code"] == "system_level"
    assert level(admin, name) == before


def test_a_system_level_may_hold_more_and_be_described_anew(app: Flask, admin: Any) -> None:
    viewer = level(admin, "viewer")
    body = {
        "name": "viewer",
        "description": "May look at the queue.",
        "permission_names": [*viewer["permissions"], "queue.view"],
    }
    assert admin.put(f"/api/users/levels/{viewer['id']}", json=body).status_code == 200
    assert "queue.view" in level(admin, "viewer")["permissions"]
    assert (
        people.client_of(app, people.make_user(app, "viewer")).get("/api/queue").status_code == 200
    )


def test_a_level_that_a_provider_gives_keeps_its_name_and_stays(app: Flask, admin: Any) -> None:
    admin.post("/api/users/levels", json=OPS)
    with app.app_context(), unit_of_work():
        mapping = {"CN=Ops": ["ops"]}
        db.session.add(AuthProvider(name="ad", kind="ldap", level_mapping=mapping))
    path = f"/api/users/levels/{level(admin, 'ops')['id']}"
    for answer in (admin.put(path, json={"name": "oops"}), admin.delete(path)):
        assert (answer.status_code, answer.json["code"]) == (409, "level_in_use")
    assert admin.put(path, json={"priority": 1}).status_code == 200


def test_somebody_without_admin_levels_changes_no_level(as_user: AsUser) -> None:
    lead = as_user("lead")
    for method, path in (
        ("GET", "/api/users/meta/levels"),
        ("POST", "/api/users/levels"),
        ("PUT", "/api/users/levels/1"),
        ("DELETE", "/api/users/levels/1"),
        ("POST", "/api/users/1/levels"),
        ("POST", "/api/users/1/permissions"),
    ):
        assert lead.open(path, method=method, json={}).status_code == 403


def test_a_keeper_of_levels_makes_none_above_their_own(app: Flask, admin: Any) -> None:
    user_id = people.make_user(app, "lead")
    for name in ("admin.users", "admin.levels"):
        admin.post(f"/api/users/{user_id}/permissions", json={"permission_name": name})
    keeper = people.client_of(app, user_id)
    assert keeper.post("/api/users/levels", json=OPS).status_code == 201
    for body, code in (
        ({"name": "high", "priority": 31}, "level_too_high"),
        ({"name": "strong", "permission_names": ["admin.config"]}, "level_too_high"),
    ):
        answer = keeper.post("/api/users/levels", json=body)
        assert (answer.status_code, answer.json["code"]) == (403, code)
    path = f"/api/users/levels/{level(admin, 'ops')['id']}"
    stronger = keeper.put(path, json={"permission_names": ["queue.manage"]})
    assert (stronger.status_code, stronger.json["code"]) == (403, "level_too_high")
    higher = keeper.put(path, json={"priority": 99})
    assert (higher.status_code, higher.json["code"]) == (403, "level_too_high")
    system = f"/api/users/levels/{level(admin, 'admin')['id']}"
    answer = keeper.put(system, json={"description": "mine"})
    assert (answer.status_code, answer.json["code"]) == (403, "administrator_protected")


# ── who has which level ───────────────────────────────────────────────────────────────────────────


def test_a_level_may_be_given_twice_and_is_one_event(app: Flask, admin: Any) -> None:
    ann = people.make_user(app, "researcher")

    def give() -> None:
        for _ in range(2):
            answer = admin.post(f"/api/users/{ann}/levels", json={"level_name": "lead"})
            assert answer.status_code == 200

    (event,) = caused(app, give)
    assert (event.before, event.after) == (
        {"levels": ["researcher"]},
        {"levels": ["lead", "researcher"]},
    )
    assert admin.delete(f"/api/users/{ann}/levels/lead").status_code == 200
    answer = admin.delete(f"/api/users/{ann}/levels/lead")
    assert answer.status_code == 404
    answer = admin.post(f"/api/users/{ann}/levels", json={"level_name": "boss"})
    assert (answer.status_code, answer.json["code"]) == (404, "level_not_found")


def test_a_level_given_by_hand_counts_as_such_though_a_provider_gave_it_first(
    app: Flask, admin: Any
) -> None:
    ann = people.make_user(app, "viewer")
    with app.app_context(), unit_of_work():
        user = db.session.get_one(User, ann)
        level_grants.change(user, ["viewer", "lead", "researcher"], "provider:okta")
    admin.post(f"/api/users/{ann}/levels", json={"level_name": "lead"})
    with app.app_context():
        assert level_grants.sources(ann) == {
            "viewer": "manual",
            "lead": "manual",
            "researcher": "provider:okta",
        }


def test_one_level_given_by_many_at_once_is_there_once(database: Any, app: Flask) -> None:
    root = people.viewer_of(app, people.make_user(app, "admin"))
    ann = people.make_user(app, "viewer")
    outcomes = at_once(app, [lambda: level_grants.assign(root, ann, "lead")] * 4)
    assert outcomes == ["done"] * 4
    with app.app_context():
        assert set(level_grants.sources(ann)) == {"viewer", "lead"}


def test_a_level_given_and_deleted_at_once_is_either_but_never_half(
    database: Any, app: Flask
) -> None:
    root = people.viewer_of(app, people.make_user(app, "admin"))
    ann = people.make_user(app, "viewer")
    with app.app_context():
        made = levels.create(root, "ops", description="", priority=1, names=["queue.view"]).id
    outcomes = at_once(
        app,
        [lambda: level_grants.assign(root, ann, "ops"), lambda: levels.delete(root, made)],
    )
    assert outcomes in (["done", "done"], ["level_not_found", "done"])
    with app.app_context():
        assert set(level_grants.sources(ann)) == {"viewer"}


# ── overrides ─────────────────────────────────────────────────────────────────────────────────────


def test_an_override_grants_and_denies_at_once_and_its_removal_too(
    database: Any, app: Flask, admin: Any
) -> None:
    ann = people.make_user(app, "viewer")
    client = people.client_of(app, ann)
    path = f"/api/users/{ann}/permissions"
    grant = {"permission_name": "queue.view", "granted": True}
    (event,) = caused(app, lambda: admin.post(path, json=grant))
    assert (event.name, event.after) == ("user.permission_changed", {"queue.view": "granted"})
    assert client.get("/api/queue").status_code == 200
    assert caused(app, lambda: admin.post(path, json=grant)) == []
    (event,) = caused(app, lambda: admin.post(path, json={**grant, "granted": False}))
    assert (event.before, event.after) == ({"queue.view": "granted"}, {"queue.view": "denied"})
    assert client.get("/api/queue").status_code == 403
    (event,) = caused(app, lambda: admin.delete(f"{path}/queue.view"))
    assert (event.before, event.after) == ({"queue.view": "denied"}, None)
    assert admin.delete(f"{path}/queue.view").status_code == 404


def test_a_denied_permission_is_denied_to_an_administrator_too(app: Flask, admin: Any) -> None:
    other = people.make_user(app, "admin")
    client = people.client_of(app, other)
    body = {"permission_name": "admin.users", "granted": False}
    assert admin.post(f"/api/users/{other}/permissions", json=body).status_code == 200
    assert client.get("/api/users").status_code == 403
    assert client.get("/api/users/meta/levels").status_code == 200
    assert client.get("/api/auth/me").json["is_admin"] is False


def test_an_unknown_permission_is_refused_with_the_near_one(app: Flask, admin: Any) -> None:
    ann = people.make_user(app, "viewer")
    answer = admin.post(f"/api/users/{ann}/permissions", json={"permission_name": "job.sumbit"})
    assert (answer.status_code, answer.json["code"]) == (400, "unknown_permission")
    assert "job.submit" in answer.json["detail"]


def test_nobody_lifts_what_was_denied_to_themselves(app: Flask, admin: Any) -> None:
    lead = people.make_user(app, "lead")
    for name, granted in (("admin.users", True), ("admin.levels", True), ("job.submit", False)):
        body = {"permission_name": name, "granted": granted}
        admin.post(f"/api/users/{lead}/permissions", json=body)
    answer = people.client_of(app, lead).delete(f"/api/users/{lead}/permissions/job.submit")
    assert (answer.status_code, answer.json["code"]) == (403, "permission_not_held")


def test_grant_and_denial_at_once_leave_one_of_them(database: Any, app: Flask) -> None:
    root = people.viewer_of(app, people.make_user(app, "admin"))
    ann = people.make_user(app, "viewer")
    acts = [
        lambda granted=granted: overrides.put(root, ann, "queue.view", granted)
        for granted in (True, False) * 2
    ]
    assert at_once(app, acts) == ["done"] * 4
    with app.app_context():
        assert len(db.session.get_one(User, ann).overrides) == 1
