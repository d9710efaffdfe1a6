"""Accounts: made, changed, switched off, deleted; and who may do that to whom."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy
from flask import Flask
from PIL import Image
from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db, unit_of_work
from st_core.errors import SetTimeRule
from st_core.models import ApiKey, Job, Session, User
from st_core.services import account_changes, authority, level_grants, overrides, sessions
from st_core.testing import people
from tests.core.identity import at_once, caused

AsUser = Callable[..., Any]
#: The guide's own body (section 4), sent without a content type.
GUIDE = {
    "email": "researcher@company.com",
    "username": "jsmith",
    "password": "secure_password_123",
    "level_names": ["researcher"],
}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app with the fakes, so that people have jobs."""
    return make_app(plugins=["zoo"])


@pytest.fixture
def admin(as_user: AsUser) -> Any:
    """The first administrator."""
    return as_user("admin", "root")


def make(admin: Any, username: str, **fields: Any) -> dict[str, Any]:
    """Make an account over the API and return it."""
    body = {"username": username, "email": f"{username}@example.org", **fields}
    answer = admin.post("/api/users", json=body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def id_of(app: Flask, username: str) -> int:
    with app.app_context():
        return db.session.scalars(select(User.id).where(User.username == username)).one()


def manager(app: Flask, level: str = "lead", *more: str) -> Any:
    """Return a client of somebody who may manage users and levels without being an admin."""
    user_id = people.make_user(app, level)
    root = people.viewer_of(app, people.make_user(app, "admin"))
    with app.app_context():
        for name in ("admin.users", "admin.levels", *more):
            overrides.put(root, user_id, name, True)
    return people.client_of(app, user_id)


# ── making and finding accounts ───────────────────────────────────────────────────────────────────


def test_the_guides_researcher_is_made_as_printed(app: Flask, admin: Any) -> None:
    answer = admin.post("/api/users", data=json.dumps(GUIDE))
    assert answer.status_code == 201
    assert [level["name"] for level in answer.json["levels"]] == ["researcher"]
    assert answer.json["auth_provider"] == "local"
    assert "password" not in answer.get_data(as_text=True)
    grant = '{"permission_name": "admin.approve", "granted": true}'
    granted = admin.post(f"/api/users/{answer.json['id']}/permissions", data=grant)
    assert (granted.status_code, granted.json) == (200, {"success": True})


def test_an_account_is_a_researcher_unless_asked_otherwise(admin: Any) -> None:
    assert [level["name"] for level in make(admin, "ann")["levels"]] == ["researcher"]
    assert make(admin, "bob", level_names=[])["permissions"] == []


def test_making_an_account_is_one_event_without_the_password(app: Flask, admin: Any) -> None:
    (event,) = caused(app, lambda: admin.post("/api/users", json=GUIDE))
    assert event.name == "admin.user_created"
    assert event.after["levels"] == ["researcher"]
    assert GUIDE["password"] not in json.dumps([event.after, event.data, event.message])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"username": "JSmith", "email": "other@company.com"}, "duplicate"),
        ({"username": "other", "email": "Researcher@Company.com"}, "duplicate"),
        ({"username": "other", "email": "o@company.com", "level_names": ["boss"]}, "unknown_level"),
    ],
)
def test_what_is_taken_or_unknown_is_refused(admin: Any, body: dict[str, Any], code: str) -> None:
    admin.post("/api/users", json=GUIDE)
    answer = admin.post("/api/users", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        {"username": "xx", "email": "x@example.org"},
        {"username": "not a name", "email": "x@example.org"},
        {"username": "nomail"},
        {"username": "badmail", "email": "nobody"},
        {"username": "short", "email": "x@example.org", "password": "seven77"},
    ],
)
def test_a_malformed_account_is_refused_at_its_field(admin: Any, body: dict[str, Any]) -> None:
    assert admin.post("/api/users", json=body).status_code == 422


def test_people_are_found_sorted_and_paged(database: Any, admin: Any) -> None:
    for name in ("Carol", "alice", "bob"):
        make(admin, name, level_names=["viewer"])
    url = "/api/users?limit=2&sort=username"
    first = admin.get(url).json
    second = admin.get(f"{url}&cursor={first['next']}").json
    names = [user["username"] for page in (first, second) for user in page["users"]]
    assert names == ["alice", "bob", "Carol", "root"]
    assert (first["total"], second["next"]) == (4, None)
    assert [
        u["username"] for u in admin.get("/api/users?sort=-username&offset=3").json["users"]
    ] == ["alice"]
    found = admin.get("/api/users?q=AROL").json["users"]
    assert [user["username"] for user in found] == ["Carol"]
    assert admin.get("/api/users?level=admin").json["total"] == 1
    for sort in ("email", "-created_at", "last_login_at"):
        page = admin.get(f"/api/users?limit=3&sort={sort}").json
        rest = admin.get(f"/api/users?limit=3&sort={sort}&cursor={page['next']}").json
        assert len({user["id"] for user in page["users"] + rest["users"]}) == 4
    assert admin.get("/api/users?sort=password_hash").status_code == 422
    assert admin.get("/api/users?cursor=%21").status_code == 422


def test_deactivated_accounts_are_listed_only_when_asked_for(admin: Any) -> None:
    ann = make(admin, "ann")
    admin.post(f"/api/users/{ann['id']}/deactivate")
    assert admin.get("/api/users").json["total"] == 1
    assert admin.get("/api/users?include_inactive=true").json["total"] == 2
    assert admin.get("/api/users?is_active=false").json["total"] == 1


def test_the_first_account_of_a_laptop_must_be_an_administrator(client: Any) -> None:
    answer = client.post("/api/users", json=GUIDE)
    assert (answer.status_code, answer.json["code"]) == (409, "first_account_must_be_admin")
    assert client.get("/api/auth/me").status_code == 200
    assert client.post("/api/users", json={**GUIDE, "is_admin": True}).status_code == 201


def test_whoever_holds_a_key_of_the_local_owner_may_begin_with_anybody(app: Flask) -> None:
    from st_core.services import users

    with app.app_context():
        owner = users.local_owner().id
    assert people.client_of(app, owner).post("/api/users", json=GUIDE).status_code == 201


# ── changing accounts ─────────────────────────────────────────────────────────────────────────────


def test_each_changed_fact_is_one_event_with_before_and_after(app: Flask, admin: Any) -> None:
    ann = make(admin, "ann", password="a good password")
    body = {"username": "anna", "password": "a better password", "is_admin": True}
    found = caused(app, lambda: admin.patch(f"/api/users/{ann['id']}", json=body))
    assert sorted(event.name for event in found) == [
        "admin.role_changed",
        "user.password_changed",
        "user.updated",
    ]
    by_name = {event.name: event for event in found}
    assert by_name["user.updated"].before == {"username": "ann"}
    assert by_name["user.updated"].after == {"username": "anna"}
    assert by_name["admin.role_changed"].before == {"levels": ["researcher"]}
    assert "better" not in str([(e.before, e.after, e.data, e.message) for e in found])


def test_a_change_that_changes_nothing_is_no_event(app: Flask, admin: Any) -> None:
    ann = make(admin, "ann")
    same = {"username": "ann", "email": ann["email"], "is_active": True, "is_admin": False}
    assert caused(app, lambda: admin.patch(f"/api/users/{ann['id']}", json=same)) == []
    assert caused(app, lambda: admin.post(f"/api/users/{ann['id']}/activate")) == []


def test_a_new_address_is_not_verified_any_more(app: Flask, admin: Any) -> None:
    ann = make(admin, "ann")
    with app.app_context(), unit_of_work():
        db.session.get_one(User, ann["id"]).email_verified = True
    changed = admin.patch(f"/api/users/{ann['id']}", json={"email": "new@example.org"}).json
    assert (changed["email"], changed["email_verified"]) == ("new@example.org", False)


def test_a_password_set_by_an_administrator_ends_every_session(app: Flask, admin: Any) -> None:
    ann = make(admin, "ann", password="a good password")
    with app.app_context(), unit_of_work():
        sessions.create(ann["id"])
    admin.patch(f"/api/users/{ann['id']}", json={"password": "another good one"})
    with app.app_context():
        assert db.session.scalars(select(Session)).all() == []


def test_deactivation_ends_sessions_and_keys_for_good(app: Flask, admin: Any) -> None:
    ann_id = people.make_user(app, "researcher", "ann")
    ann = people.client_of(app, ann_id)
    with app.app_context(), unit_of_work():
        token = sessions.create(ann_id)
    assert ann.get("/api/auth/me").status_code == 200
    found = caused(app, lambda: admin.post(f"/api/users/{ann_id}/deactivate"))
    assert [event.name for event in found] == ["auth.session_ended", "user.updated"]
    assert found[-1].data == {"sessions_ended": 1, "api_keys_ended": 1}
    assert ann.get("/api/auth/me").status_code == 401
    admin.post(f"/api/users/{ann_id}/activate")
    assert ann.get("/api/auth/me").status_code == 401
    with app.app_context():
        assert sessions.viewer_for(token) is None


def test_a_deactivated_persons_open_stream_ends(app: Flask, admin: Any) -> None:
    from st_core.api import guard

    ann_id = people.make_user(app, "researcher", "ann")
    key = people.client_of(app, ann_id).api_key
    headers = {"Authorization": f"Bearer {key}"}
    with app.test_request_context("/api/events", headers=headers):
        guard.admit()
        assert guard.is_unchanged()
        account_changes.set_active(_viewer("root"), ann_id, False)
        assert not guard.is_unchanged()


def _viewer(username: str) -> Any:
    from st_core.services import users

    return users.viewer_of(
        db.session.scalars(select(User).where(User.username == username)).one(), "session"
    )


# ── deleting ──────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_persons_jobs_stay_and_keep_the_name(
    database: Any, app: Flask, admin: Any
) -> None:
    ann_id = people.make_user(app, "researcher", "ann")
    ann = people.client_of(app, ann_id)
    body = {"config": {"steps": 1}, "trainer": "fake_trainer"}
    job_id = ann.post("/api/cloud/never/submit", json=body).json["job_id"]
    found = caused(app, lambda: admin.delete(f"/api/users/{ann_id}"))
    assert [event.name for event in found] == ["user.deleted"]
    assert found[0].before["username"] == "ann"
    assert ann.get("/api/auth/me").status_code == 401
    job = admin.get(f"/api/cloud/jobs/{job_id}").json
    assert (job["user_id"], job["username"]) == (None, "ann")
    listed = admin.get("/api/cloud/jobs").json["jobs"]
    assert [row["username"] for row in listed] == ["ann"]
    with app.app_context():
        assert db.session.scalars(select(ApiKey).where(ApiKey.user_id == ann_id)).all() == []
        assert db.session.scalars(select(Job.former_owner)).all() == ["ann"]
    assert make(admin, "ann")["id"] != ann_id


def test_who_is_not_there_cannot_be_changed(admin: Any) -> None:
    for answer in (
        admin.get("/api/users/999"),
        admin.patch("/api/users/999", json={"display_name": "x"}),
        admin.delete("/api/users/999"),
        admin.post("/api/users/999/deactivate"),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "user_not_found")


# ── never the last administrator ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "act",
    [
        lambda client, own: client.delete(f"/api/users/{own}"),
        lambda client, own: client.post(f"/api/users/{own}/deactivate"),
        lambda client, own: client.patch(f"/api/users/{own}", json={"is_active": False}),
        lambda client, own: client.patch(f"/api/users/{own}", json={"is_admin": False}),
        lambda client, own: client.delete(f"/api/users/{own}/levels/admin"),
    ],
    ids=["delete", "deactivate", "switch off", "demote", "take the level"],
)
def test_nobody_locks_themselves_out(app: Flask, admin: Any, as_user: AsUser, act: Any) -> None:
    as_user("admin", "other")
    answer = act(admin, id_of(app, "root"))
    assert (answer.status_code, answer.json["code"]) == (400, "own_account")


WAYS: dict[str, Callable[[Any, int], Any]] = {
    "delete": account_changes.delete,
    "deactivate": lambda viewer, who: account_changes.set_active(viewer, who, False),
    "demote": lambda viewer, who: account_changes.change(viewer, who, {"is_admin": False}),
    "take the level": lambda viewer, who: level_grants.remove(viewer, who, "admin"),
    "deny": lambda viewer, who: overrides.put(viewer, who, "admin.users", False),
}


@pytest.fixture
def robot(app: Flask, admin: Any) -> Viewer:
    """A service account that may everything, yet is nobody who could come in."""
    made = make(admin, "robot", is_service=True, is_admin=True)
    return people.viewer_of(app, made["id"])


@pytest.mark.parametrize("way", WAYS)
def test_the_last_administrator_stays(database: Any, app: Flask, robot: Viewer, way: str) -> None:
    with app.app_context():
        with pytest.raises(SetTimeRule) as refused:
            WAYS[way](robot, id_of_root())
        assert refused.value.code == "last_admin"
        assert authority.has_full_admin()


def id_of_root() -> int:
    return db.session.scalars(select(User.id).where(User.username == "root")).one()


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", ["delete", "deny", "demote"])
def test_of_two_administrators_removed_at_once_one_stays(
    database: Any, app: Flask, robot: Viewer, first: str, second: str
) -> None:
    other = people.make_user(app, "admin", "other")
    root = id_of(app, "root")
    outcomes = at_once(app, [lambda: WAYS[first](robot, root), lambda: WAYS[second](robot, other)])
    assert sorted(outcomes) == ["done", "last_admin"]


@pytest.mark.parametrize("first", WAYS)
def test_two_administrators_who_remove_each_other_at_once_leave_one(
    database: Any, app: Flask, first: str
) -> None:
    ann = people.viewer_of(app, people.make_user(app, "admin", "ann"))
    bob = people.viewer_of(app, people.make_user(app, "admin", "bob"))
    outcomes = at_once(
        app,
        [lambda: WAYS[first](ann, bob.user_id), lambda: WAYS["delete"](bob, ann.user_id)],
    )
    assert sorted(outcomes) == ["done", "rights_changed"]
    with app.app_context():
        assert authority.has_full_admin()


def test_of_many_administrators_who_remove_each_other_one_remains(
    database: Any, app: Flask, exam: Any
) -> None:
    count = exam.count("administrators", 6, 20)
    viewers = [people.viewer_of(app, people.make_user(app, "admin")) for _ in range(count)]
    acts = [
        lambda me=me, you=viewers[place - 1]: account_changes.set_active(me, you.user_id, False)
        for place, me in enumerate(viewers)
    ]
    outcomes = at_once(app, acts)
    assert set(outcomes) == {"done", "rights_changed"}
    with app.app_context():
        assert authority.has_full_admin()


def test_two_accounts_of_one_name_cannot_be_made_at_once(
    database: Any, app: Flask, admin: Any
) -> None:
    from st_core.services import accounts

    root = people.viewer_of(app, id_of(app, "root"))
    wanted = [
        accounts.NewAccount("twin", f"twin{n}@example.org", levels=("viewer",)) for n in range(4)
    ]
    outcomes = at_once(app, [lambda one=one: accounts.create(root, one) for one in wanted])
    assert sorted(outcomes) == ["done", "duplicate", "duplicate", "duplicate"]


# ── managers who are no administrators ────────────────────────────────────────────────────────────


def test_a_manager_makes_and_changes_people_up_to_their_own_level(app: Flask) -> None:
    lead = manager(app)
    ann = make(lead, "ann", password="a good password")
    assert (
        lead.patch(f"/api/users/{ann['id']}", json={"password": "a new password"}).status_code
        == 200
    )
    assert (
        lead.post(f"/api/users/{ann['id']}/levels", json={"level_name": "lead"}).status_code == 200
    )
    assert lead.delete(f"/api/users/{ann['id']}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/api/users", {"is_admin": True}, "administrator_protected"),
        ("POST", "/api/users", {"level_names": ["admin"]}, "administrator_protected"),
        ("PATCH", "/api/users/{root}", {"password": "mine from now on"}, "administrator_protected"),
        ("PATCH", "/api/users/{root}", {"email": "me@example.org"}, "administrator_protected"),
        ("PATCH", "/api/users/{root}", {"is_active": False}, "administrator_protected"),
        ("POST", "/api/users/{root}/deactivate", {}, "administrator_protected"),
        ("DELETE", "/api/users/{root}", {}, "administrator_protected"),
        ("DELETE", "/api/users/{root}/levels/admin", {}, "administrator_protected"),
        ("POST", "/api/users/{ann}/levels", {"level_name": "admin"}, "administrator_protected"),
        ("POST", "/api/users/{me}/levels", {"level_name": "admin"}, "administrator_protected"),
        ("PATCH", "/api/users/{me}", {"is_admin": True}, "administrator_protected"),
        (
            "POST",
            "/api/users/{ann}/permissions",
            {"permission_name": "queue.manage"},
            "permission_not_held",
        ),
        (
            "POST",
            "/api/users/{me}/permissions",
            {"permission_name": "admin.config"},
            "permission_not_held",
        ),
        (
            "POST",
            "/api/users/{root}/permissions",
            {"permission_name": "admin.users", "granted": False},
            "administrator_protected",
        ),
        ("GET", "/api/users/{root}/credentials", None, "administrator_protected"),
        (
            "POST",
            "/api/users/{root}/credentials",
            {"provider": "p", "credential_name": "n", "value": "v"},
            "administrator_protected",
        ),
        ("POST", "/api/users/{root}/credentials/rotate", {}, "administrator_protected"),
        ("POST", "/api/users/{boss}/deactivate", {}, "higher_account"),
        ("PATCH", "/api/users/{boss}", {"password": "mine from now on"}, "higher_account"),
        ("POST", "/api/users/{ann}/levels", {"level_name": "chief"}, "level_too_high"),
    ],
)
def test_a_manager_cannot_reach_beyond_their_own_rights(
    app: Flask, admin: Any, method: str, path: str, body: Any, code: str
) -> None:
    lead = manager(app)
    chief = {"name": "chief", "priority": 50, "permission_names": ["queue.manage"]}
    assert admin.post("/api/users/levels", json=chief).status_code == 201
    make(admin, "boss", level_names=["chief"])
    make(admin, "ann")
    names = {name: id_of(app, name) for name in ("root", "ann", "boss")}
    names["me"] = lead.get("/api/auth/me").json["id"]
    if path == "/api/users":
        body = {"username": "friend", "email": "friend@example.org", **body}
    answer = lead.open(path.format(**names), method=method, json=body)
    assert (answer.status_code, answer.json["code"]) == (403, code)


def test_a_researcher_with_admin_users_cannot_make_a_lead(app: Flask) -> None:
    answer = manager(app, "researcher").post("/api/users", json={**GUIDE, "level_names": ["lead"]})
    assert (answer.status_code, answer.json["code"]) == (403, "level_too_high")


def test_an_administrators_scoped_key_makes_no_administrator(app: Flask, admin: Any) -> None:
    body = {"name": "provisioning", "scoped_permissions": ["admin.users"]}
    key = admin.post("/api/auth/api-keys", json=body).json["key"]
    headers = {"X-API-Key": key}
    client = app.test_client()
    assert client.post("/api/users", json=GUIDE, headers=headers).status_code == 201
    promote = {**GUIDE, "username": "boss", "email": "b@example.org", "is_admin": True}
    answer = client.post("/api/users", json=promote, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "administrator_protected")


def test_who_was_denied_a_permission_does_not_hand_it_out_by_a_level(
    app: Flask, admin: Any
) -> None:
    lead = manager(app)
    me = lead.get("/api/auth/me").json["id"]
    admin.post(
        f"/api/users/{me}/permissions", json={"permission_name": "job.submit", "granted": False}
    )
    answer = lead.post("/api/users", json=GUIDE)
    assert (answer.status_code, answer.json["code"]) == (403, "level_too_high")


# ── service accounts ──────────────────────────────────────────────────────────────────────────────


def test_a_service_account_has_no_password_and_cannot_get_one(admin: Any) -> None:
    robot = make(admin, "airflow", email=None, is_service=True)
    assert robot["is_service"]
    answer = admin.patch(f"/api/users/{robot['id']}", json={"password": "a good password"})
    assert (answer.status_code, answer.json["code"]) == (400, "no_local_password")
    body = {"username": "ci-robot", "is_service": True, "password": "a good password"}
    assert admin.post("/api/users", json=body).json["code"] == "service_account"


# ── one's own profile and picture ─────────────────────────────────────────────────────────────────


def picture(form: str, size: tuple[int, int] = (300, 200)) -> str:
    """Return a picture as a data URL."""
    content = io.BytesIO()
    Image.new("RGB", size, (200, 40, 90)).save(content, form)
    encoded = base64.b64encode(content.getvalue()).decode()
    return f"data:image/{form.lower()};base64,{encoded}"


def test_a_viewer_has_a_profile_and_changes_the_shown_name(app: Flask, as_user: AsUser) -> None:
    viewer = as_user("viewer", "vera")
    assert viewer.get("/api/users/me/profile").json["username"] == "vera"
    (event,) = caused(
        app, lambda: viewer.patch("/api/users/me/profile", json={"display_name": "Vera V."})
    )
    assert (event.name, event.after) == ("user.updated", {"display_name": "Vera V."})
    assert viewer.get("/api/users/me").json["display_name"] == "Vera V."
    assert viewer.patch("/api/users/me/profile", json={"is_admin": True}).status_code == 422
    assert (
        viewer.patch("/api/users/me/profile", json={"display_name": "x" * 101}).status_code == 422
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_is_drawn_anew_and_served(app: Flask, as_user: AsUser, form: str) -> None:
    viewer = as_user("viewer")
    found = caused(
        app, lambda: viewer.post("/api/users/me/avatar/upload", json={"data_url": picture(form)})
    )
    assert [event.name for event in found] == ["user.updated"]
    address = viewer.get("/api/users/me/profile").json["avatar_url"]
    served = viewer.get(address)
    assert served.mimetype == "image/webp"
    with Image.open(io.BytesIO(served.data)) as image:
        assert image.size == (256, 171)
    assert viewer.delete("/api/users/me/avatar").status_code == 200
    assert viewer.get(address).status_code == 404


@pytest.mark.parametrize(
    "data_url",
    [
        "",
        "https://example.org/me.png",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,A",
        picture("JPEG").replace("jpeg", "png"),
        picture("PNG")[:-40],
        picture("PNG", (9000, 4)),
        "data:image/png;base64," + base64.b64encode(b"\x89PNG" + bytes(600_000)).decode()[:799_000],
    ],
    ids=["none", "address", "page", "svg", "junk", "base64", "lie", "cut", "wide", "large"],
)
def test_what_is_no_small_picture_is_refused(app: Flask, as_user: AsUser, data_url: str) -> None:
    viewer = as_user("viewer")
    answer = viewer.post("/api/users/me/avatar/upload", json={"data_url": data_url})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_picture")
    assert viewer.get("/api/users/me/profile").json["avatar_url"] is None


@pytest.mark.parametrize("name", ["x.webp", "..%2Fsecret.key", "1-0123456789abcdef.webp"])
def test_only_pictures_are_served(as_user: AsUser, name: str) -> None:
    assert as_user("viewer").get(f"/api/users/avatars/{name}").status_code == 404


def test_whether_people_sign_in_is_told_to_everybody(app: Flask, admin: Any) -> None:
    told = app.test_client().get("/api/users/meta/auth-status").json
    assert told == {"in_use": True, "user_count": 1, "has_external_providers": False}


def test_a_submission_that_meets_its_owners_deletion_is_told_so(
    database: Any, app: Flask, admin: Any
) -> None:
    root = people.viewer_of(app, id_of(app, "root"))
    body = {"config": {"steps": 1}, "trainer": "fake_trainer"}
    answers: list[int] = []
    for _ in range(3):
        ann_id = people.make_user(app, "researcher")
        ann = people.client_of(app, ann_id)

        def submit(ann: Any = ann) -> None:
            answers.append(ann.post("/api/cloud/never/submit", json=body).status_code)

        gone = threading.Thread(target=submit)
        gone.start()
        with app.app_context():
            account_changes.delete(root, ann_id)
        gone.join(60)
    assert set(answers) <= {200, 201, 401, 409}
    assert len(answers) == 3


def test_what_could_hand_over_the_server_asks_who_is_there(app: Flask) -> None:
    from st_core.api import routing

    asked = {
        (method, rule)
        for _, rule, declared in routing.operations(app)
        if declared.step_up
        for method in declared.methods
    }
    one = "/api/users/<int:user_id>"
    assert asked >= {
        ("POST", "/api/users"),
        ("PATCH", one),
        ("DELETE", one),
        ("POST", f"{one}/deactivate"),
        ("POST", f"{one}/levels"),
        ("POST", f"{one}/permissions"),
        ("POST", "/api/users/levels"),
        ("PUT", "/api/users/levels/<int:level_id>/permissions"),
        ("POST", "/api/auth/api-keys"),
    }


def test_a_long_list_of_people_takes_no_more_statements_than_a_short_one(
    app: Flask, admin: Any
) -> None:
    def statements() -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        sqlalchemy.event.listen(engine, "before_cursor_execute", listener)
        assert admin.get("/api/users").status_code == 200
        sqlalchemy.event.remove(engine, "before_cursor_execute", listener)
        return len(seen)

    few = statements()
    for _ in range(30):
        people.make_user(app, "researcher")
    assert statements() == few <= 10
