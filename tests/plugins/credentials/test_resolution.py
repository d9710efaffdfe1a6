"""Whose key a job gets: every row of the guide's table, through real submissions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from st_core.testing import paid
from st_core.testing.work import run_once, state_of

from .conftest import MINE, ORG, OWN, SHARED, Lab


def test_shared_org_key_all_users_share_it(lab: Lab) -> None:
    assert lab.root.post(SHARED, json=lab.key(ORG)).status_code == 201
    assert [lab.run(who) for who in (lab.ann, lab.bob)] == [("completed", "shared")] * 2


def test_byok_each_user_provides_a_key(lab: Lab) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    assert lab.run(lab.ann) == ("completed", "user")
    refused = lab.submit(lab.bob)
    assert (refused.status_code, refused.json["code"]) == (400, "missing_credential")
    assert len(lab.account.runs()) == 1


def test_hybrid_users_with_keys_use_theirs_others_the_shared_one(lab: Lab) -> None:
    lab.root.post(SHARED, json=lab.key(ORG))
    lab.ann.post(MINE, json=lab.key(OWN))
    assert lab.run(lab.ann) == ("completed", "user")
    assert lab.run(lab.bob) == ("completed", "shared")
    lab.ann.delete(f"{MINE}/paid/api_key")
    assert lab.run(lab.ann) == ("completed", "shared")


def test_the_environment_serves_after_the_stored_keys(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paid.VARIABLE, ORG)
    assert lab.run(lab.ann) == ("completed", "environment")
    lab.ann.post(MINE, json=lab.key(OWN))
    assert lab.run(lab.ann) == ("completed", "user")


def test_the_secrets_file_comes_last_and_must_be_private(
    make_app: Callable[..., Flask], key_file: Path
) -> None:
    lab = Lab(make_app(plugins=["zoo", "paid", "credentials"], credentials__file=key_file))
    assert lab.run(lab.ann) == ("completed", "file")
    key_file.chmod(0o644)
    assert lab.submit(lab.ann).status_code == 500
    key_file.chmod(0o600)
    key_file.write_text("paid: [broken")
    assert ORG not in lab.submit(lab.ann).get_data(as_text=True)


def test_a_missing_key_is_refused_with_the_field_and_where_to_set_it(lab: Lab) -> None:
    refused = lab.submit(lab.ann).json
    (field,) = refused["errors"]
    assert field["path"] == "provider"
    assert "paid/api_key" in field["message"]
    assert "/profile#credentials" in field["message"]
    assert lab.account.runs() == []


def test_a_key_deleted_after_submission_starts_nothing(lab: Lab) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    job_id = lab.submit(lab.ann).json["job_id"]
    lab.ann.delete(f"{MINE}/paid/api_key")
    for _ in range(4):
        run_once(lab.app, ("dispatch",))
    assert state_of(lab.app, job_id).value == "failed"
    assert lab.account.runs() == []


def test_a_use_is_recorded_once_for_each_attempt(lab: Lab) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    assert lab.row(lab.ann)["last_used_at"] is None
    lab.run(lab.ann)
    (used,) = lab.events("credential.used")
    row = lab.row(lab.ann)
    assert used.data["fingerprint"] == row["fingerprint"]
    assert (used.data["attempt"], bool(row["last_used_at"])) == (1, True)
