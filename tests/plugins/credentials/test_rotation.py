"""Rotation: the old value is valid until the new one is proven."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import MINE, ORG, OWN, SHARED, Lab

NEXT = "paid-key-of-ann-the-next-16180339"


@pytest.fixture
def rotating(lab: Lab) -> Lab:
    """Ann has a proven key; the service answers no questions about keys from now on."""
    lab.ann.post(MINE, json=lab.key(OWN))
    lab.account.change(checks_keys=False)
    return lab


def test_a_value_that_the_service_accepts_is_in_force_at_once(lab: Lab) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    lab.account.change(keys=[NEXT])
    before = lab.row(lab.ann)
    assert lab.ann.post(MINE, json=lab.key(NEXT)).status_code == 200
    after = lab.row(lab.ann)
    assert after["fingerprint"] != before["fingerprint"]
    assert after["new_fingerprint"] is None
    assert lab.run(lab.ann) == ("completed", "user")


def test_a_value_that_the_service_refuses_changes_nothing(lab: Lab) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    before = lab.row(lab.ann)
    refused = lab.ann.post(MINE, json=lab.key("mistyped-key-777"))
    assert (refused.status_code, refused.json["code"]) == (422, "key_refused")
    assert refused.json["errors"][0]["path"] == "value"
    assert "mistyped" not in refused.get_data(as_text=True)
    assert lab.row(lab.ann) == before
    assert lab.run(lab.ann) == ("completed", "user")


def test_the_first_start_proves_a_value_that_could_not_be_checked(rotating: Lab) -> None:
    before = rotating.row(rotating.ann)
    rotating.account.change(keys=[OWN, NEXT])
    rotating.ann.post(MINE, json=rotating.key(NEXT))
    waiting = rotating.row(rotating.ann)
    assert waiting["fingerprint"] == before["fingerprint"] != waiting["new_fingerprint"]
    assert rotating.run(rotating.ann) == ("completed", "user")
    after = rotating.row(rotating.ann)
    assert (after["fingerprint"], after["new_fingerprint"]) == (waiting["new_fingerprint"], None)
    (proven,) = rotating.events("credential.proven")
    assert proven.before is not None
    assert proven.before["fingerprint"] == before["fingerprint"]


def test_a_refused_start_rolls_back_and_the_old_key_runs_the_job(rotating: Lab) -> None:
    before = rotating.row(rotating.ann)
    rotating.ann.post(MINE, json=rotating.key("never-valid-key-4669"))
    assert rotating.run(rotating.ann) == ("completed", "user,user")
    after = rotating.row(rotating.ann)
    assert (after["fingerprint"], after["new_fingerprint"]) == (before["fingerprint"], None)
    assert len(rotating.events("credential.refused")) == 1
    assert len(rotating.account.runs()) == 1


def test_other_trouble_at_the_start_proves_and_ends_nothing(rotating: Lab) -> None:
    rotating.account.change(keys=[OWN, NEXT])
    rotating.account.fault("too_many", times=1)
    rotating.ann.post(MINE, json=rotating.key(NEXT))
    assert rotating.run(rotating.ann)[0] == "completed"
    assert len(rotating.events("credential.proven")) == 1
    assert rotating.events("credential.refused") == []


def test_validation_settles_a_value_that_waits(rotating: Lab) -> None:
    rotating.account.change(keys=[OWN, NEXT])
    rotating.ann.post(MINE, json=rotating.key(NEXT))
    asked = {"provider": "paid", "credential_name": "api_key"}
    assert rotating.ann.post(f"{MINE}/validate", json=asked).json["valid"] is None
    rotating.account.change(checks_keys=True)
    assert rotating.ann.post(f"{MINE}/validate", json=asked).json["valid"] is True
    assert rotating.row(rotating.ann)["new_fingerprint"] is None
    rotating.account.revoke(NEXT)
    assert rotating.ann.post(f"{MINE}/validate", json=asked).json["valid"] is False


def test_rotation_asked_by_an_administrator_leaves_the_old_key_working(lab: Lab) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    done = lab.ann.post(f"{MINE}/rotate", json={"provider": "paid"}).json
    assert (done["rotated_count"], done["credentials"][0]["status"]) == (1, "rotated")
    assert lab.run(lab.ann) == ("completed", "user")
    lab.ann.post(f"{MINE}/rotate", json={"erase": True})
    assert lab.submit(lab.ann).status_code == 400


def test_shared_keys_rotate_alike(lab: Lab) -> None:
    lab.root.post(SHARED, json=lab.key(ORG))
    lab.account.change(checks_keys=False, keys=[ORG, NEXT])
    lab.root.post(SHARED, json=lab.key(NEXT))
    assert lab.row(lab.root, SHARED)["new_fingerprint"]
    assert lab.run(lab.bob) == ("completed", "shared")
    assert lab.row(lab.root, SHARED)["new_fingerprint"] is None
    assert lab.root.post(f"{SHARED}/rotate", json={}).json["rotated_count"] == 1
    asked = {"provider": "paid", "credential_name": "api_key"}
    assert lab.root.post(f"{SHARED}/validate", json=asked).json["valid"] is None
    assert lab.root.delete(f"{SHARED}/paid/api_key").status_code == 200
    assert lab.root.delete(f"{SHARED}/paid/api_key").status_code == 404
    assert lab.ann.get(SHARED).status_code == 403


def test_a_lost_answer_proves_the_key_once_the_run_is_found(rotating: Lab) -> None:
    rotating.account.change(keys=[OWN, NEXT])
    rotating.account.fault("lost_answer", times=1)
    rotating.ann.post(MINE, json=rotating.key(NEXT))
    assert rotating.run(rotating.ann) == ("completed", "user")
    assert len(rotating.account.runs()) == 1
    assert len(rotating.events("credential.proven")) == 1


def test_no_value_comes_out_anywhere(
    rotating: Lab, state_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rotating.root.post(SHARED, json=rotating.key(ORG))
    rotating.account.change(keys=[ORG, NEXT])
    rotating.ann.post(MINE, json=rotating.key("refused-canary-value-1123"))
    rotating.run(rotating.ann)
    rotating.ann.post(MINE, json=rotating.key(NEXT))
    rotating.run(rotating.ann)
    values = (OWN, ORG, NEXT, "refused-canary-value-1123")
    for path in ("/profile", "/admin/credentials", "/admin/users/2", SHARED, MINE):
        page = rotating.root.get(path, headers={"Accept": "text/html"}).get_data(as_text=True)
        assert not any(value in page for value in values), path
    assert not any(value in caplog.text for value in values)
    rotating.account.change(keys=[])  # the far side knows them, of course
    files = [each for each in state_dir.rglob("*") if each.is_file()]
    told = [each for each in files for value in values if value.encode() in each.read_bytes()]
    assert told == []
    kept = [json.dumps([e.data, e.before, e.after]) for e in rotating.events("credential.used")]
    assert kept
