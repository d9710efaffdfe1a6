"""Rules decide about submissions: over HTTP, in a dry run, on record, from the next request on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.models import Decision
from tests.plugins.resource_rules.conftest import URL

SUBMIT = "/api/cloud/jobs/submit"


@pytest.fixture
def researcher(as_user: Callable[..., Any]) -> Any:
    """Somebody whom rules govern."""
    return as_user("researcher")


def submit(client: Any, **asked: Any) -> Any:
    body = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}}
    return client.post(SUBMIT, json={**body, **asked})


def of_researchers(kind: str, pattern: str, action: str = "allow", **more: Any) -> dict[str, Any]:
    given = {"name": f"{action} {pattern}", "resource_type": kind, "pattern": pattern}
    return {**given, "action": action, "levels": ["researcher"], **more}


def decisions(app: Flask) -> list[Decision]:
    with app.app_context():
        return list(db.session.scalars(select(Decision).order_by(Decision.id)))


def test_a_provider_nobody_allowed_is_refused_by_name_of_the_rule(
    researcher: Any, put: Any
) -> None:
    put(of_researchers("provider", "slow"), of_researchers("provider", "*", "deny"))
    answer = submit(researcher)
    assert (answer.status_code, answer.json["code"]) == (403, "access_denied")
    assert answer.json["details"]["rules"] == ["deny *"]
    assert "'instant'" in answer.json["detail"]
    assert submit(researcher, provider="slow").status_code == 201


def test_admins_pass_and_rules_without_a_level_govern_nobody(
    admin: Any, researcher: Any, put: Any
) -> None:
    put(of_researchers("provider", "*", "deny", levels=[]))
    assert submit(researcher).status_code == 201
    put(of_researchers("provider", "x", "deny", levels=["admin", "researcher"]))
    assert submit(researcher).status_code == 403
    assert submit(admin).status_code == 201


def test_a_config_without_a_name_is_no_way_round(researcher: Any, put: Any) -> None:
    put(of_researchers("config", "team-x-*"))
    assert submit(researcher).status_code == 403
    config = {"name": "team-x-1", "trainer": "fake_trainer", "data": {"steps": 1}}
    assert researcher.post("/api/configs", json=config).status_code == 201
    named = {"config_name_to_load": "team-x-1", "provider": "instant"}
    assert researcher.post(SUBMIT, json=named).status_code == 201


def test_a_change_holds_from_the_next_submission_on(admin: Any, researcher: Any, put: Any) -> None:
    (number,) = put(of_researchers("provider", "*", "deny"))
    assert submit(researcher).status_code == 403
    admin.put(f"{URL}/{number}", json={"action": "allow"})
    assert submit(researcher).status_code == 201
    admin.put(f"{URL}/{number}", json={"pattern": "slow"})
    assert submit(researcher).status_code == 403
    admin.delete(f"{URL}/{number}")
    assert submit(researcher).status_code == 201


def test_the_dry_run_says_what_a_submission_would_be_told(researcher: Any, put: Any) -> None:
    put(of_researchers("provider", "*", "deny"))
    body = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}}
    found = researcher.post(f"{SUBMIT}?dry_run=true", json=body).json
    gate = next(each for each in found["gates"] if each["name"] == "Access rules")
    assert gate["result"] == "no"
    assert gate["text"] == submit(researcher).json["detail"]


def test_what_rules_said_is_recorded_also_in_shadow(app: Flask, researcher: Any, put: Any) -> None:
    put(of_researchers("provider", "*", "deny", mode="shadow"))
    assert submit(researcher).status_code == 201
    (decision,) = decisions(app)
    (note,) = (each for each in decision.answers if each["policy"] == "resource_rules")
    assert decision.outcome == "admitted"
    assert [(found["rule"], found["effect"], found["shadow"]) for found in note["findings"]] == [
        ("deny *", "deny", True)
    ]
