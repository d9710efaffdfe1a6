"""Credentials: kept sealed, shown by fingerprint, retired, found when old."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.models import ProviderCredential
from st_core.testing import people
from tests.core.identity import caused, events_since

AsUser = Callable[..., Any]
VALUE = "r8_canary_of_credentials_2718281828"
TOKEN = {"provider": "replicate", "credential_name": "api_token", "value": VALUE}
MINE = "/api/users/me/credentials"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app without anything that is not needed."""
    return make_app(plugins=["zoo"])


def names(answer: Any) -> list[str]:
    return [f"{row['provider']}/{row['credential_name']}" for row in answer.json["credentials"]]


def test_a_credential_goes_in_and_only_its_fingerprint_comes_out(
    database: Any, app: Flask, as_user: AsUser
) -> None:
    ann = as_user("researcher")
    assert ann.post(MINE, data=json.dumps(TOKEN)).status_code == 201
    listed = ann.get(MINE)
    (row,) = listed.json["credentials"]
    assert (row["provider"], row["is_active"], row["is_stale"]) == ("replicate", True, False)
    assert len(row["fingerprint"]) == 8
    assert VALUE not in listed.get_data(as_text=True)
    with app.app_context():
        stored = db.session.scalars(select(ProviderCredential)).one()
        assert VALUE not in (stored.sealed or "")


def test_the_value_is_in_no_file_event_or_log(
    app: Flask, as_user: AsUser, state_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ann = as_user("researcher")
    ann.post(MINE, json=TOKEN)
    ann.post(MINE, json={**TOKEN, "provider": ""})
    ann.post(f"{MINE}/validate", json=TOKEN | {"credential_name": "none"})
    ann.post(f"{MINE}/rotate", json={})
    told = [[e.message, e.data, e.before, e.after] for e in events_since(app)]
    assert VALUE not in json.dumps(told) + caplog.text
    for path in state_dir.rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes()


def test_any_provider_is_accepted_and_each_has_its_own_names(as_user: AsUser) -> None:
    ann = as_user("researcher")
    for provider, name in (("hugging face", "token"), ("my.s3", "key"), ("my.s3", "secret")):
        body = {**TOKEN, "provider": provider, "credential_name": name}
        assert ann.post(MINE, json=body).status_code == 201
    assert names(ann.get(MINE)) == ["hugging face/token", "my.s3/key", "my.s3/secret"]
    assert names(ann.get(f"{MINE}?provider=my.s3")) == ["my.s3/key", "my.s3/secret"]
    assert ann.delete(f"{MINE}/hugging%20face/token").status_code == 200
    assert ann.delete(f"{MINE}/hugging%20face/token").status_code == 404


@pytest.mark.parametrize("change", [{"provider": "a/b"}, {"credential_name": ""}, {"value": ""}])
def test_a_malformed_credential_is_refused(as_user: AsUser, change: dict[str, str]) -> None:
    answer = as_user("researcher").post(MINE, json={**TOKEN, **change})
    assert answer.status_code == 422
    assert VALUE not in answer.get_data(as_text=True)


def test_a_new_value_takes_the_place_of_the_old_with_one_event(app: Flask, as_user: AsUser) -> None:
    ann = as_user("researcher")
    ann.post(MINE, json={**TOKEN, "description": "mine"})
    before = ann.get(MINE).json["credentials"][0]
    (event,) = caused(app, lambda: ann.post(MINE, json={**TOKEN, "value": "another"}))
    after = ann.get(MINE).json["credentials"][0]
    assert event.name == "credential.created"
    assert event.before["fingerprint"] == before["fingerprint"] != after["fingerprint"]
    assert (after["id"], after["description"]) == (before["id"], "mine")


def test_a_rotation_asks_for_a_new_value_and_keeps_the_old_one(app: Flask, as_user: AsUser) -> None:
    ann = as_user("researcher")
    ann.post(MINE, json=TOKEN)
    answers: list[Any] = []
    (event,) = caused(app, lambda: answers.append(ann.post(f"{MINE}/rotate", json={})))
    assert (event.name, event.after["rotation_asked"]) == ("credential.rotated", True)
    assert (answers[0].json["rotated_count"], answers[0].json["success"]) == (1, True)
    (row,) = ann.get(MINE).json["credentials"]
    assert (row["is_active"], bool(row["rotation_asked_at"])) == (True, True)
    assert ann.post(MINE, json={**TOKEN, "value": "another"}).status_code == 200
    assert ann.get(MINE).json["credentials"][0]["rotation_asked_at"] is None


def test_erased_credentials_wait_for_a_new_value(app: Flask, as_user: AsUser) -> None:
    ann = as_user("researcher")
    for provider in ("replicate", "runpod"):
        ann.post(MINE, json={**TOKEN, "provider": provider})
    body = {"provider": "replicate", "reason": "laptop lost", "erase": True}
    answers: list[Any] = []
    (event,) = caused(app, lambda: answers.append(ann.post(f"{MINE}/rotate", json=body)))
    assert (event.name, event.data) == ("credential.rotated", {"reason": "laptop lost"})
    assert answers[0].json["rotated_count"] == 1
    assert answers[0].json["credentials"][0]["status"] == "rotated"
    with app.app_context():
        retired = select(ProviderCredential.sealed).where(
            ProviderCredential.provider == "replicate"
        )
        assert db.session.scalars(retired).one() is None
    verdict = ann.post(f"{MINE}/validate", json=_named("replicate")).json
    assert (verdict["valid"], "new value" in verdict["message"]) == (False, True)
    assert ann.post(MINE, json=TOKEN).status_code == 200
    assert ann.get(MINE).json["credentials"][0]["is_active"] is True
    assert ann.post(f"{MINE}/rotate", json={"provider": "nobody"}).json["rotated_count"] == 0


def test_a_stored_credential_is_not_called_valid_before_its_provider_said_so(
    as_user: AsUser, state_dir: Path
) -> None:
    ann = as_user("researcher")
    ann.post(MINE, json=TOKEN)
    verdict = ann.post(f"{MINE}/validate", json=_named("replicate")).json
    assert verdict["valid"] is None
    assert ann.post(f"{MINE}/validate", json=_named("nobody")).status_code == 404


def _named(provider: str) -> dict[str, str]:
    return {"provider": provider, "credential_name": "api_token"}


def test_old_values_are_found(app: Flask, as_user: AsUser, clock: Any) -> None:
    root, ann_id = as_user("admin"), people.make_user(app, "researcher", "ann")
    ann = people.client_of(app, ann_id)
    ann.post(MINE, json=TOKEN)
    clock.advance(days=91)
    ann.post(MINE, json={**TOKEN, "provider": "runpod"})
    assert [row["is_stale"] for row in ann.get(MINE).json["credentials"]] == [True, False]
    assert names(ann.get(f"{MINE}/stale")) == ["replicate/api_token"]
    assert names(root.get(f"/api/users/{ann_id}/credentials/stale?days=100")) == []
    report = root.post("/api/users/credentials/check-stale").json
    assert (report["threshold_days"], report["total_stale"]) == (90, 1)
    assert report["users"][0]["username"] == "ann"
    few = root.post("/api/users/credentials/check-stale?days=365").json
    assert few["users"] == []
    assert ann.post("/api/users/credentials/check-stale").status_code == 403
    verdict = ann.post(f"{MINE}/validate", json=_named("replicate")).json
    assert "91 days old" in verdict["message"]


def test_managers_look_after_others_credentials(app: Flask, as_user: AsUser) -> None:
    root, ann_id = as_user("admin"), people.make_user(app, "researcher")
    theirs = f"/api/users/{ann_id}/credentials"
    assert root.post(theirs, json=TOKEN).status_code == 201
    assert names(people.client_of(app, ann_id).get(MINE)) == ["replicate/api_token"]
    assert root.post(f"{theirs}/validate", json=_named("replicate")).json["valid"] is None
    assert root.post(f"{theirs}/rotate", json={}).json["rotated_count"] == 1
    assert root.delete(f"{theirs}/replicate/api_token").status_code == 200
    assert as_user("lead").get(theirs).status_code == 403
    assert root.get("/api/users/999/credentials").status_code == 404


def test_a_viewer_keeps_no_credentials(as_user: AsUser) -> None:
    assert as_user("viewer").get(MINE).status_code == 403


def test_credentials_go_with_their_owner(database: Any, app: Flask, as_user: AsUser) -> None:
    root, ann_id = as_user("admin"), people.make_user(app, "researcher")
    people.client_of(app, ann_id).post(MINE, json=TOKEN)
    assert root.delete(f"/api/users/{ann_id}").status_code == 200
    with app.app_context():
        assert db.session.scalars(select(ProviderCredential)).all() == []
