"""API keys: made, used within their scopes, revoked; for oneself and for service accounts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.models import ApiKey, Lock
from st_core.services import account_changes, api_keys, overrides, presence
from st_core.testing import people
from tests.core.identity import at_once, caused

AsUser = Callable[..., Any]
PATHS = ["/api/auth/api-keys", "/api/cloud/auth/api-keys"]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app without anything that is not needed."""
    return make_app(plugins=["zoo"])


def with_key(app: Flask, key: str, path: str, **options: Any) -> Any:
    """Send a request with a key of one's own choosing."""
    return app.test_client().open(path, headers={"Authorization": f"Bearer {key}"}, **options)


def mint(client: Any, path: str = PATHS[0], **body: Any) -> Any:
    return client.post(path, data=json.dumps({"name": "a key", **body}))


@pytest.mark.parametrize("path", PATHS)
def test_a_key_is_shown_once_and_opens_what_its_owner_may(
    app: Flask, as_user: AsUser, path: str
) -> None:
    ann = as_user("researcher", "ann")
    made = mint(ann, path)
    assert made.status_code == 201
    key, info = made.json["key"], made.json["key_info"]
    assert key.startswith("st_")
    assert len(key) == 35
    assert info["key_prefix"] == key[:11]
    assert with_key(app, key, "/api/auth/me").json["username"] == "ann"
    listed = ann.get(path)
    assert key not in listed.get_data(as_text=True)
    assert info["id"] in [row["id"] for row in listed.json["api_keys"]]
    assert ann.delete(f"{path}/{info['id']}").status_code == 200
    assert with_key(app, key, "/api/auth/me").status_code == 401


def test_each_change_of_a_key_is_one_event_without_the_key(app: Flask, as_user: AsUser) -> None:
    ann = as_user("researcher")
    answers: list[Any] = []
    (made,) = caused(app, lambda: answers.append(mint(ann)))
    key_id = answers[0].json["key_info"]["id"]
    path = f"{PATHS[0]}/{key_id}"
    ended = caused(app, lambda: [ann.delete(path) for _ in range(2)])
    assert [event.name for event in (made, *ended)] == ["api_key.created", "api_key.revoked"]
    told = json.dumps([[e.before, e.after, e.data, e.message] for e in (made, *ended)])
    assert answers[0].json["key"] not in told


def test_a_key_has_its_scopes_and_never_more_than_its_owner(app: Flask, as_user: AsUser) -> None:
    root, ann_id = as_user("admin"), people.make_user(app, "researcher")
    ann = people.client_of(app, ann_id)
    key = mint(ann, scoped_permissions=["queue.view", "config.view"]).json["key"]
    assert with_key(app, key, "/api/auth/me").json["permissions"] == ["config.view", "queue.view"]
    assert with_key(app, key, "/api/cloud/jobs").status_code == 403
    assert with_key(app, key, "/api/queue").status_code == 200
    deny = {"permission_name": "queue.view", "granted": False}
    root.post(f"/api/users/{ann_id}/permissions", json=deny)
    assert with_key(app, key, "/api/queue").status_code == 403
    grant = {"permission_name": "queue.manage", "granted": True}
    root.post(f"/api/users/{ann_id}/permissions", json=grant)
    assert with_key(app, key, "/api/queue/pause", method="POST").status_code == 403


@pytest.mark.parametrize("scope", ["admin.users", "no.such", "*"])
def test_scopes_beyond_ones_own_rights_are_refused(as_user: AsUser, scope: str) -> None:
    answer = mint(as_user("researcher"), scoped_permissions=["job.submit", scope])
    assert (answer.status_code, answer.json["code"]) == (400, "scope_exceeds_permissions")


def test_a_scoped_key_mints_no_stronger_key(app: Flask, as_user: AsUser) -> None:
    root = as_user("admin")
    scopes = ["api.keys.own", "config.view"]
    weak = mint(root, scoped_permissions=scopes).json["key"]
    data = json.dumps({"name": "stronger"})
    again = with_key(app, weak, PATHS[0], method="POST", data=data).json
    assert again["key_info"]["scoped_permissions"] == scopes
    data = json.dumps({"name": "stronger", "scoped_permissions": ["admin.users"]})
    answer = with_key(app, weak, PATHS[0], method="POST", data=data)
    assert (answer.status_code, answer.json["code"]) == (403, "permission_not_held")


def test_who_may_not_have_keys_makes_none(as_user: AsUser) -> None:
    viewer = as_user("viewer")
    assert mint(viewer).status_code == 403
    assert viewer.get(PATHS[0]).status_code == 200


@pytest.mark.parametrize("days", [0, 366, "soon"])
def test_a_key_ends_after_1_to_365_days_or_never(as_user: AsUser, days: Any) -> None:
    assert mint(as_user("researcher"), expires_days=days).status_code == 422


def test_an_expired_key_is_refused(app: Flask, as_user: AsUser, clock: Any) -> None:
    ann = as_user("researcher")
    key = mint(ann, expires_days=2).json["key"]
    assert with_key(app, key, "/api/auth/me").status_code == 200
    clock.advance(days=2, seconds=1)
    assert with_key(app, key, "/api/auth/me").status_code == 401
    listed = {row["key_prefix"]: row for row in ann.get(PATHS[0]).json["api_keys"]}
    assert listed[key[:11]]["is_expired"] is True


def test_others_keys_are_seen_and_revoked_only_by_right(
    database: Any, app: Flask, as_user: AsUser
) -> None:
    root, ann, bob = as_user("admin"), as_user("researcher"), as_user("researcher")
    mine = ann.get(PATHS[0]).json["api_keys"][0]["id"]
    assert bob.delete(f"{PATHS[0]}/{mine}").status_code == 404
    assert bob.get(f"{PATHS[0]}?all=true").status_code == 403
    assert bob.get(f"{PATHS[0]}?user_id=1").status_code == 403
    first = root.get(f"{PATHS[0]}?all=true&limit=2").json
    rest = root.get(f"{PATHS[0]}?all=true&limit=2&cursor={first['next']}").json
    assert len(first["api_keys"] + rest["api_keys"]) == 3
    assert rest["next"] is None
    assert root.delete(f"{PATHS[0]}/{mine}").status_code == 200
    assert ann.get("/api/auth/me").status_code == 401


def test_a_keeper_of_keys_cannot_touch_or_make_an_administrators(
    app: Flask, as_user: AsUser
) -> None:
    root = as_user("admin")
    keeper_id = people.make_user(app, "lead")
    grant = {"permission_name": "api.keys.all", "granted": True}
    root.post(f"/api/users/{keeper_id}/permissions", json=grant)
    keeper = people.client_of(app, keeper_id)
    body = {"username": "robot", "is_service": True, "is_admin": True}
    strong = root.post("/api/users", json=body).json["id"]
    robot_key = mint(root, user_id=strong).json["key_info"]["id"]
    for answer in (mint(keeper, user_id=strong), keeper.delete(f"{PATHS[0]}/{robot_key}")):
        assert (answer.status_code, answer.json["code"]) == (403, "administrator_protected")
    body = {"username": "helper", "is_service": True, "level_names": ["researcher"]}
    weak = root.post("/api/users", json=body).json["id"]
    assert mint(keeper, user_id=weak).status_code == 201


def test_a_service_account_is_given_its_keys(app: Flask, as_user: AsUser) -> None:
    root, ann = as_user("admin"), as_user("researcher", "ann")
    body = {"username": "airflow", "is_service": True, "level_names": ["researcher"]}
    robot = root.post("/api/users", json=body).json["id"]
    made = mint(root, user_id=robot, name="dags", expires_days=90).json
    assert made["key_info"]["username"] == "airflow"
    assert with_key(app, made["key"], "/api/auth/me").json["username"] == "airflow"
    assert mint(ann, user_id=robot).status_code == 403
    person = ann.get("/api/auth/me").json["id"]
    assert mint(root, user_id=person).json["code"] == "not_a_service_account"
    assert root.get(f"{PATHS[0]}?user_id={robot}").json["total"] == 1


def test_nobody_lets_a_network_have_keys(app: Flask, viewer: Callable[..., Any]) -> None:
    from dataclasses import replace

    from st_core.errors import NotAllowed

    shared = replace(viewer("researcher"), via="network")
    with app.app_context(), pytest.raises(NotAllowed, match="Sign in"):
        api_keys.mint(shared, "back door")


def test_use_is_noted_once_a_minute_and_changes_no_policy(
    database: Any, app: Flask, as_user: AsUser
) -> None:
    ann = as_user("researcher")

    def generation() -> int:
        with app.app_context():
            return db.session.scalars(select(Lock.value).where(Lock.name == "policy")).one()

    before = generation()
    for _ in range(3):
        assert ann.get("/api/auth/me").status_code == 200
    with app.app_context():
        assert db.session.scalars(select(ApiKey.last_used_at)).all() == [None]
        presence.write()
        assert db.session.scalars(select(ApiKey.last_used_at)).one() is not None
    assert generation() == before
    assert ann.get(PATHS[0]).json["api_keys"][0]["last_used_at"] is not None


def test_a_key_minted_while_its_owner_is_deactivated_never_opens(database: Any, app: Flask) -> None:
    root = people.viewer_of(app, people.make_user(app, "admin"))
    ann_id = people.make_user(app, "researcher")
    ann = people.viewer_of(app, ann_id)
    made: list[str] = []
    outcomes = at_once(
        app,
        [
            lambda: made.append(api_keys.mint(ann, "just in time")[1]),
            lambda: account_changes.set_active(root, ann_id, False),
        ],
    )
    assert outcomes[1] == "done"
    assert outcomes[0] in ("done", "rights_changed")
    for key in made:
        assert with_key(app, key, "/api/auth/me").status_code == 401


def test_scopes_are_checked_against_what_is_held_at_that_moment(database: Any, app: Flask) -> None:
    root = people.viewer_of(app, people.make_user(app, "admin"))
    ann = people.viewer_of(app, people.make_user(app, "researcher"))
    with app.app_context():
        overrides.put(root, ann.user_id, "job.submit", False)
    outcomes = at_once(app, [lambda: api_keys.mint(ann, "old rights", scopes=["job.submit"])])
    assert outcomes == ["rights_changed"]
